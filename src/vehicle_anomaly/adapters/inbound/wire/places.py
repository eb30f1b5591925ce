"""Where in a message something is wrong: as callers read it, and as a JSON pointer (RFC 6901)."""

import re
from dataclasses import dataclass

_ROOT = "body"
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


@dataclass(frozen=True, slots=True)
class Place:
    """The way from the top of a message to one value in it: names of fields, and positions in arrays."""

    steps: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        """Return it as in `records[17].feature_vector[3]`."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)
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


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)
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
    # Each open container: the key or position that is being read, and whether that is a position.
    open_containers: list[list[str | int | bool]] = []
    last_string = b""
    for token in _TOKEN.finditer(json, 0, offset):
        text = token.group()
        if text in (b"{", b"["):
            open_containers.append(["", False] if text == b"{" else [0, True])
        elif text in (b"}", b"]"):
            open_containers.pop()
        elif text == b":":
            open_containers[-1][0] = last_string[1:-1].decode("utf-8", "replace")
        elif text == b",":
            container = open_containers[-1]
            container[0] = int(container[0]) + 1 if container[1] else ""
        else:
            last_string = text
    return Place(tuple(_step for _step, _ in open_containers if _step != ""))
