"""Where in a message something is wrong: as callers read it, and as a JSON pointer (RFC 6901)."""

import re
from dataclasses import dataclass

import msgspec

_ROOT = "body"
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


@dataclass(frozen=True, slots=True)
class Place:
    """The way from the top of a message to one value in it: names of fields, and positions in arrays."""

    steps: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        """Return it as in `records[17].feature_vector[3]`; a name that cannot be printed is quoted."""
        text = "".join(
            f"[{step}]" if isinstance(step, int) else f".{step if step.isprintable() else repr(step)}"
            for step in self.steps
        )
        return text.removeprefix(".") or _ROOT

    @property
    def pointer(self) -> str:
        """It as in `/records/17/feature_vector/3`."""
        return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in self.steps)

    def within(self, *steps: str | int) -> "Place":
        """Return the place of this one in a message that holds the part it was found in at `steps`."""
        return Place((*steps, *self.steps))

    @classmethod
    def from_msgspec(cls, path: str) -> "Place":
        """Read a path of msgspec's, such as `$.records[17].vehicle_id`; it names no key of a map."""
        steps: list[str | int] = []
        for field, position in _STEP.findall(path.removeprefix("$")):
            if field:
                steps.append(field)
            elif position.isdigit():
                steps.append(int(position))
        return cls(tuple(steps))


# A string that is not closed goes on to the end: brackets in it open nothing.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}\[\],:]', re.DOTALL)
_SEARCHED_BYTES = 4 * 1024 * 1024


def place_at(json: bytes, offset: int) -> Place | None:
    """Find which value a byte of malformed JSON belongs to.

    Args:
        json: The text; well-formed before `offset`.
        offset: Where it is malformed.

    Returns:
        The place; None when it is too far into the text to be worth the search.
    """
    if offset > _SEARCHED_BYTES:
        return None
    # Of each open container, what is being read: the position, or the key, which is None before it is known.
    steps: list[str | int | None] = []
    last_string = b""
    for token in _TOKEN.finditer(json, 0, offset):
        text = token.group()
        if text == b"{":
            steps.append(None)
        elif text == b"[":
            steps.append(0)
        elif not steps and text[:1] != b'"':
            # Behind its end there is more: of that, msgspec tells one byte too late.
            return Place()
        elif text in (b"}", b"]"):
            steps.pop()
        elif text == b":":
            steps[-1] = _unescaped(last_string)
        elif text == b",":
            position = steps[-1]
            steps[-1] = position + 1 if isinstance(position, int) else None
        else:
            last_string = text
    return Place(tuple(step for step in steps if step is not None))


def _unescaped(string: bytes) -> str:
    try:
        return msgspec.json.decode(string, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # A part that is skipped, not decoded, need not be what it should.
        return string[1:-1].decode("utf-8", "replace")
