"""Records on the wire → readings of the domain."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice

import msgspec
import numpy as np
from msgspec import UNSET

from vehicle_anomaly.adapters.inbound.wire.decoding import RECORD, Encoding
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.moments import moment
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.adapters.inbound.wire.requests import TelemetryRecord
from vehicle_anomaly.core.errors import EmptyBatch, Flaw, InvalidFeatureNames, InvalidReading
from vehicle_anomaly.core.telemetry import (
    MAX_FLAWS,
    NamedValues,
    Reading,
    TelemetryBatch,
    Vector,
    check_feature_names,
    check_n_features,
    matrix,
)

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""Of one record: decoding it holds the interpreter, and `MAX_FEATURES` by name take less."""

_READINGS_AT_ONCE = 1000
# A record stands in an array, which stands in a message.
_LEVELS_AROUND = 2


def to_reading(record: TelemetryRecord) -> tuple[Reading, str]:
    """Return the reading that a record holds, and its timestamp as it is to be answered.

    Raises:
        MalformedMessage: The timestamp or the values are none.
    """
    moment, text = instant(record.timestamp)
    return Reading(record.vehicle_id, moment, values_of(record)), text


def decode_readings(records: Sequence[msgspec.Raw], encoding: Encoding) -> Iterator[tuple[Reading, str]]:
    """Decode the records of a batch, and go on after a bad one to find the others.

    One at a time, so that a large batch never holds the interpreter for long: other threads answer meanwhile.

    Yields:
        Each reading before a bad one, and its timestamp as it is to be answered.

    Raises:
        MalformedMessage: At the end, with up to `MAX_FLAWS` places.
    """
    decode = RECORD[encoding]
    wrong: list[Wrong] = []
    levels = 0
    for position, record in enumerate(records):
        try:
            check_record_size(record)
            read = to_reading(decode(record))
        except MalformedMessage as error:
            wrong += [Wrong(found.place.within("records", position), found.reason) for found in error.wrong]
            levels = max(levels, error.levels + _LEVELS_AROUND)
            if len(wrong) >= MAX_FLAWS:
                break
        else:
            # Whoever keeps them would keep them for nothing.
            if not wrong:
                yield read
    if wrong:
        raise MalformedMessage(wrong, levels)


def look_through(records: Sequence[msgspec.Raw], encoding: Encoding) -> None:
    """Look through the records of a batch, and keep none of them; raises as `decode_readings`."""
    deque(decode_readings(records, encoding), maxlen=0)


def to_batch(
    readings: Iterable[Reading], feature_names: Sequence[str] | None, max_values: int | None = None
) -> TelemetryBatch:
    """Lay readings out as a batch to learn from, a thousand at a time.

    Args:
        readings: Consumed as they come.
        feature_names: Name of each position of the vectors. Without them, vectors have only positions, and
            readings by name have the names that occur in any of them, in the order in which they first do.
        max_values: Readings times features, missing ones included, that may be laid out. A few bytes can
            name a feature, and each name widens every reading.

    Raises:
        InvalidTelemetry: The readings do not fit each other or the names.
    """
    if feature_names is not None:
        check_feature_names(feature_names)
    remaining = iter(readings)
    first = next(remaining, None)
    if first is None:
        raise EmptyBatch
    remaining = chain([first], remaining)
    found_names = None if feature_names is not None or isinstance(first.values, Sequence) else _FoundNames()
    names = feature_names
    n_features = len(first.values) if names is None else len(names)
    vehicle_ids: list[str] = []
    timestamps: list[np.ndarray] = []
    values: list[np.ndarray] = []
    while chunk := list(islice(remaining, _READINGS_AT_ONCE)):
        if found_names is not None:
            names = found_names.add(chunk, len(vehicle_ids))
            n_features = len(names)
        check_n_features(n_features)
        n_values = (len(vehicle_ids) + len(chunk)) * n_features
        if max_values is not None and n_values > max_values:
            reason = f"expected at most {max_values} values, missing ones included, got {n_values} or more"
            raise InvalidReading([Flaw("records", reason)])
        values.append(matrix([one.values for one in chunk], n_features, names, len(vehicle_ids)))
        naive = [one.timestamp.astimezone(UTC).replace(tzinfo=None) for one in chunk]
        timestamps.append(np.array(naive, dtype="datetime64[us]"))
        vehicle_ids += [one.vehicle_id for one in chunk]
    return TelemetryBatch(
        np.concatenate([_widened(part, n_features) for part in values]),
        vehicle_ids,
        np.concatenate(timestamps),
        None if names is None else tuple(names),
    )


def check_record_size(record: msgspec.Raw) -> None:
    """Refuse a record that is too long to be decoded.

    Raises:
        MalformedMessage: It is.
    """
    if memoryview(record).nbytes > MAX_RECORD_BYTES:
        raise MalformedMessage([Wrong(Place(), f"expected at most {MAX_RECORD_BYTES} bytes")])


def instant(timestamp: str) -> tuple[datetime, str]:
    """Return the moment that a text names, in UTC, and the text as it is to be answered.

    Raises:
        MalformedMessage: It names none.
    """
    try:
        told = moment(timestamp)
        if told.tzinfo is None:
            return told.replace(tzinfo=UTC), f"{timestamp}Z"
        return told.astimezone(UTC), timestamp
    except msgspec.ValidationError as error:
        expected = "an RFC 3339 time such as 2026-11-22T10:00:00Z"
        raise _no_time(expected, timestamp) from error
    except OverflowError as error:
        raise _no_time("an RFC 3339 time in the years 1 to 9999 of UTC", timestamp) from error


def _no_time(expected: str, timestamp: str) -> MalformedMessage:
    return MalformedMessage([Wrong(Place(("timestamp",)), f"expected {expected}, got {timestamp[:64]!r}")])


def values_of(record: TelemetryRecord) -> Vector | NamedValues:
    """Return what a record says was measured.

    Raises:
        MalformedMessage: It says it twice, or not at all.
    """
    if record.feature_vector is not UNSET and record.features is UNSET:
        return record.feature_vector
    if record.features is not UNSET and record.feature_vector is UNSET:
        return record.features
    got = "neither" if record.features is UNSET else "both"
    reason = f"expected feature_vector, or features by name, got {got}"
    raise MalformedMessage([Wrong(Place(("feature_vector",)), reason)])


class _FoundNames:
    """The names that occur in readings, in the order in which they first do."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, readings: Sequence[Reading], first_record: int) -> list[str]:
        """Take further readings; return the names so far."""
        for record, one in enumerate(readings, first_record):
            if isinstance(one.values, Sequence):
                reason = "expected features by name, as in the first record, got a feature_vector"
                raise InvalidFeatureNames([Flaw("feature_vector", reason, record)])
            self._names.update(dict.fromkeys(one.values))
        return list(self._names)


def _widened(values: np.ndarray, n_features: int) -> np.ndarray:
    """Add the columns of names that first occur in later readings: there they are missing."""
    lacking = n_features - values.shape[1]
    return np.pad(values, ((0, 0), (0, lacking)), constant_values=np.nan) if lacking else values
