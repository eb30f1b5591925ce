"""Names that stand twice in one JSON object: of them `msgspec` keeps the last, other readers the first.

RFC 8259, section 4, leaves open what such an object means, so none is taken. Each record and each message is
first looked at by counting its colons, which costs less than a microsecond: there are as many as names and
as colons in its texts. Only where there are more is it gone through by its tokens.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import UNSET

from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.adapters.inbound.wire.requests import ScoreRequest, TelemetryRecord
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME

# Possessive: what a repetition could go back to takes a hundred bytes for each byte of a long text.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]', re.DOTALL)
# Vehicle, time, and values by position or by name.
_NAMES: Final = 3
_DEFAULT_NAME: Final = DEFAULT_MODEL_NAME.value


def refuse_repeated(text: bytes | msgspec.Raw, decoded: Any) -> None:
    """Refuse a message in JSON that has been decoded if a name stands twice in one of its objects.

    Args:
        text: What was decoded.
        decoded: What it was decoded to; where that has records that are still to be decoded, they are not
            looked into.

    Raises:
        MalformedMessage: One does; it says which and where.
    """
    told = text if type(text) is bytes else bytes(text)
    if isinstance(decoded, TelemetryRecord):
        if told.count(b":") == _colons(decoded) and b"\\" not in told:
            return
    elif records := getattr(decoded, "records", None):
        told = _beside(text, records)
    found = repeated(told)
    if found is not None:
        raise MalformedMessage([Wrong(found, "stands twice; a name may stand once")])


def stand_once(text: bytes, records: Sequence[TelemetryRecord], beside: int = 0) -> bool:
    """Tell whether no name can stand twice in records that were decoded from a text; False says nothing.

    Args:
        text: With nothing in it but the records.
        records: They.
        beside: Names that stand beside them.
    """
    return text.count(b":") == beside + sum(map(_colons, records)) and b"\\" not in text


def repeated(text: bytes) -> Place | None:
    """Return the place of the first name that stands twice in its object; None where none does.

    Args:
        text: JSON that was decoded.
    """
    # Of each open container: the names so far, of which an array has none; and the name or the position.
    seen: list[set[str]] = []
    steps: list[str | int] = []
    last = b""
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark == ord('"'):
            last = token.group()
        elif mark == ord(":"):
            steps[-1] = name = msgspec.json.decode(last, type=str)
            if name in seen[-1]:
                return Place(tuple(steps))
            seen[-1].add(name)
        elif mark == ord("{"):
            seen.append(set())
            steps.append("")
        elif mark == ord("["):
            seen.append(set())
            steps.append(0)
        elif mark == ord(","):
            step = steps[-1]
            steps[-1] = step + 1 if isinstance(step, int) else step
        else:
            seen.pop()
            steps.pop()
    return None


def _colons(record: TelemetryRecord) -> int:
    """Return how many colons a record has at least."""
    expected = _NAMES + record.timestamp.count(":")
    if ":" in record.vehicle_id:
        expected += record.vehicle_id.count(":")
    if record.features is not UNSET:
        expected += len(record.features) + sum(name.count(":") for name in record.features)
    if isinstance(record, ScoreRequest):
        # A name that stands there with what holds without it is one colon too many: then it is looked for.
        if record.model_name != _DEFAULT_NAME:
            expected += 1 + record.model_name.count(":")
        if record.model_version is not None:
            expected += 1 + record.model_version.count(":")
        if record.explain is not None:
            expected += 1
    return expected


def _beside(text: bytes | msgspec.Raw, records: Sequence[Any]) -> bytes:
    """Return a message with nothing in the place of its records, which are views of it."""
    whole = bytes(text)
    if not isinstance(records[0], msgspec.Raw):
        return whole
    begin = _address(records[0]) - _address(text)
    end = _address(records[-1]) - _address(text) + memoryview(records[-1]).nbytes
    return whole[:begin] + b"0" + whole[end:]


def _address(data: Any) -> int:
    address: int = np.frombuffer(data, np.uint8).ctypes.data
    return address
