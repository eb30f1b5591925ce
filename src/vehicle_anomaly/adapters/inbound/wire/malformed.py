"""What is wrong with a message that cannot be decoded, and where."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from vehicle_anomaly.adapters.inbound.wire.places import Place, place_at
from vehicle_anomaly.core.explaining import EXPLAIN

_NOT_A_NUMBER: Final = re.compile(rb"-?(NaN|nan|Infinity|inf)|(?<=-)(Infinity|inf)")
_BYTE: Final = re.compile(r"\(byte (\d+)\)")
_REQUESTS: Final = "ingest, score or score_batch"
_WORDS: Final = {
    "str": "a string",
    "float": "a number",
    "int": "an integer",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
    "None": "null",
    "bytes": "bytes",
    "ext": "an extension type",
    "datetime": "a time",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """One place and what is wrong there, in words that follow "place: "."""

    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class MalformedMessage(Exception):
    """A message that cannot be decoded.

    Attributes:
        wrong: At least one place.
        levels: How deep it is nested, as far as that is known; 0 where it is not.
    """

    def __init__(self, wrong: Sequence[Wrong], levels: int = 0) -> None:
        self.wrong = tuple(wrong)
        self.levels = levels
        super().__init__("; ".join(map(str, self.wrong)))


def explain(error: Exception, json: bytes | None) -> Wrong:
    """Say what a decoder's error means to who sent the message.

    Args:
        error: A `msgspec.MsgspecError`, `UnicodeDecodeError` or `RecursionError`.
        json: What was decoded; None when it was not JSON.
    """
    if isinstance(error, RecursionError):
        return Wrong(Place(), "nested too deep")
    if isinstance(error, UnicodeDecodeError):
        return Wrong(
            Place(), f"expected UTF-8, got {error.object[error.start : error.start + 1]!r} in a string"
        )
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        return _explain_validation(text)
    byte = _BYTE.search(text)
    place = place_at(json, int(byte.group(1))) if byte and json is not None else None
    what = text.partition(" is malformed: ")[2] or text[0].lower() + text[1:]
    if byte and json is not None and _NOT_A_NUMBER.match(json, int(byte.group(1))):
        what += "; JSON has no NaN and no Infinity, and null is a missing reading"
    return Wrong(place or Place(), f"malformed: {what}")


def _explain_validation(text: str) -> Wrong:
    reason, _, path = text.partition(" - at ")
    of_a_key = path.startswith("`key` in ")
    place = Place.from_msgspec(path.removeprefix("`key` in ").strip("`"))
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", reason, re.DOTALL)
    if unknown:
        return Wrong(Place((*place.steps, unknown.group(1)[:80])), "unknown field")
    missing = re.fullmatch(r"Object missing required field `(.*)`", reason)
    if missing:
        return Wrong(Place((*place.steps, missing.group(1))), "missing; this field is required")
    wrong_choice = re.fullmatch(r"Invalid enum value ('.*')", reason, re.DOTALL)
    if wrong_choice and place.steps[-1:] == ("explain",):
        return Wrong(place, expected_explain(wrong_choice.group(1)[1:-1]))
    # Of the tag alone: the queue's requests are told apart by it.
    wrong_tag = re.fullmatch(r"Invalid value '(.*)'", reason, re.DOTALL)
    if wrong_tag:
        return Wrong(place, f"expected {_REQUESTS}, got {wrong_tag.group(1)[:80]!r}")
    if reason == "Number out of range":
        return Wrong(place, "expected a finite number that float32 can hold, got one beyond it")
    return Wrong(place, _in_words(reason) + (" as a name" if of_a_key else ""))


def expected_explain(given: str) -> str:
    """Say what `explain` may be, and is not."""
    return f"expected {', '.join(EXPLAIN[:-1])} or {EXPLAIN[-1]}, got {given[:80]!r}"


def _in_words(reason: str) -> str:
    """Turn "Expected `float | null`, got `str`" into "expected a number or null, got a string"."""
    bound = re.fullmatch(r"Expected `(\w+)` of length (<=|>=) (\d+)", reason)
    if bound:
        kind, sign, length = bound.groups()
        unit = {"str": "character", "array": "item", "object": "name"}[kind] + ("" if length == "1" else "s")
        return f"expected at {'most' if sign == '<=' else 'least'} {length} {unit}"
    if re.fullmatch(r"Expected `float` (<=|>=) .*", reason):
        return "expected a finite number that float32 can hold"
    return re.sub(
        r"`([^`]*)`",
        lambda kinds: " or ".join(_WORDS.get(kind, kind) for kind in kinds.group(1).split(" | ")),
        reason[0].lower() + reason[1:],
    )
