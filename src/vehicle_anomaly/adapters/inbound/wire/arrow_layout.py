"""Record batches of Arrow → readings, column by column."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.adapters.inbound.wire.pyarrow_extra import require
from vehicle_anomaly.core.telemetry import MAX_FEATURE, MAX_VEHICLE_ID_LENGTH, check_feature_names

if TYPE_CHECKING:
    import pyarrow as pa

VEHICLE_ID: Final = "vehicle_id"
TIMESTAMP: Final = "timestamp"

_FIRST_MOMENT: Final = np.datetime64("0001-01-01", "us")
_LAST_MOMENT: Final = np.datetime64("9999-12-31T23:59:59.999999", "us")


@dataclass(frozen=True, slots=True, eq=False)
class ArrowTelemetry:
    """Readings, column by column.

    Attributes:
        vehicle_ids: One per reading.
        timestamps: Shape (n_readings,), datetime64[us] in UTC.
        feature_names: In the order of the columns.
        values: Shape (n_readings, n_features), float64; NaN is a missing reading.
    """

    vehicle_ids: list[str]
    timestamps: NDArray[np.datetime64]
    feature_names: tuple[str, ...]
    values: NDArray[np.float64]

    def told_timestamps(self) -> list[str]:
        """Return the timestamps in RFC 3339, with as many digits as the one that needs most."""
        whole_seconds = bool((self.timestamps == self.timestamps.astype("datetime64[s]")).all())
        told = np.datetime_as_string(self.timestamps, "s" if whole_seconds else "us")
        return [f"{moment}Z" for moment in told.tolist()]


def feature_names(schema: "pa.Schema") -> tuple[str, ...]:
    """Return which columns are features.

    Raises:
        MalformedMessage: A column is missing, or of another type.
        InvalidFeatureNames: A feature has no name, or a name stands twice.
    """
    types = require().types
    for required in (VEHICLE_ID, TIMESTAMP):
        if schema.names.count(required) != 1:
            found = schema.names.count(required)
            raise wrong(f"expected one column of that name, got {found or 'none'}", required)
    vehicle = schema.field(VEHICLE_ID).type
    kind = vehicle.value_type if types.is_dictionary(vehicle) else vehicle
    if not (types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)):
        raise wrong(f"expected strings, got {str(vehicle)[:80]}", VEHICLE_ID)
    if not types.is_timestamp(schema.field(TIMESTAMP).type):
        raise wrong(f"expected timestamps, got {str(schema.field(TIMESTAMP).type)[:80]}", TIMESTAMP)
    names = tuple(name for name in schema.names if name not in (VEHICLE_ID, TIMESTAMP))
    if not names:
        raise wrong("expected at least one column that is a feature")
    check_feature_names(names)
    for name in names:
        kind = schema.field(name).type
        if not (types.is_integer(kind) or types.is_floating(kind)):
            raise wrong(f"expected integers or floating-point numbers, got {str(kind)[:80]}", name)
    return names


class ArrowLayout:
    """Readings that are laid out, one record batch after the other."""

    def __init__(self, names: tuple[str, ...], n_rows: int, first_record: int = 0) -> None:
        """Make room for so many rows; `first_record` is what the first one is called where it is wrong."""
        self._names = names
        self._first_record = first_record
        self._vehicle_ids: list[str] = []
        self._moments = np.empty(n_rows, "M8[us]")
        self._values = np.empty((n_rows, len(names)))
        self._sound_dictionary: tuple[int, ...] | None = None

    def add(self, batch: "pa.RecordBatch") -> None:
        """Lay out the rows of a batch.

        Raises:
            MalformedMessage: A value is none that may stand there, or there are more rows than were said.
        """
        begin = len(self._vehicle_ids)
        end = begin + batch.num_rows
        if end > len(self._moments):
            raise wrong("malformed: more rows than it announces")
        first = self._first_record + begin
        for position, name in enumerate(self._names):
            column = batch.column(name)
            column.validate(full=True)
            _fill(self._values[begin:end, position], column, name, first)
        vehicles, moments = batch.column(VEHICLE_ID), batch.column(TIMESTAMP)
        moments.validate(full=True)
        self._moments[begin:end] = _moments(moments, first)
        self._vehicle_ids += _vehicle_ids(self._sound(vehicles), first)

    def told(self) -> ArrowTelemetry:
        """Return them.

        Raises:
            MalformedMessage: There are fewer than were said.
        """
        if len(self._vehicle_ids) != len(self._moments):
            raise wrong("malformed: fewer rows than it announces")
        return ArrowTelemetry(self._vehicle_ids, self._moments, self._names, self._values)

    def _sound(self, vehicles: "pa.Array") -> "pa.DictionaryArray":
        """Return ids in a dictionary that has been validated, once for all batches that share it.

        With a large one and many small batches, looking into it for each would take minutes.
        """
        if not hasattr(vehicles, "dictionary"):
            vehicles.validate(full=True)
            return vehicles.dictionary_encode()
        vehicles.validate()
        dictionary, indices = vehicles.dictionary, vehicles.indices
        buffers = (len(dictionary), *(one.address for one in dictionary.buffers() if one is not None))
        if buffers != self._sound_dictionary:
            dictionary.validate(full=True)
            self._sound_dictionary = buffers
        indices.validate(full=True)
        known = indices.drop_null().to_numpy()
        if len(known) and not 0 <= int(known.min()) <= int(known.max()) < len(dictionary):
            raise wrong("malformed: an index beyond its dictionary", VEHICLE_ID)
        return vehicles


def _fill(values: NDArray[np.float64], column: "pa.Array", name: str, first_record: int) -> None:
    pa = require()
    doubles = column if column.type == pa.float64() else column.cast(pa.float64(), safe=False)
    values[:] = doubles.to_numpy(zero_copy_only=False)
    # Infinite, beyond float32, or NaN where there is a value; a missing one is NaN as well.
    bad = ~(np.abs(values) <= MAX_FEATURE)
    if column.null_count:
        bad &= column.is_valid().to_numpy(zero_copy_only=False)
    if bad.any():
        row = int(bad.argmax())
        reason = f"expected a finite number that float32 can hold, or null, got {values[row]}"
        raise MalformedMessage([Wrong(Place(("records", first_record + row, "features", name)), reason)])


def _vehicle_ids(vehicles: "pa.DictionaryArray", first_record: int) -> list[str]:
    _refuse_nulls(vehicles, VEHICLE_ID, first_record)
    # Of its dictionary what these rows use: there may be millions more.
    used = vehicles.indices.dictionary_encode()
    known = _texts(vehicles.dictionary, used.dictionary)
    rows = used.indices.to_numpy()
    bad = np.array([one is None or not 1 <= len(one) <= MAX_VEHICLE_ID_LENGTH for one in known], bool)
    if bad.any():
        place = Place(("records", first_record + int(bad[rows].argmax()), VEHICLE_ID))
        raise MalformedMessage([Wrong(place, f"expected 1 to {MAX_VEHICLE_ID_LENGTH} characters")])
    vehicle_ids: list[str] = np.array(known, object)[rows].tolist() if len(rows) else []
    return vehicle_ids


def _texts(dictionary: "pa.Array", used: "pa.Array") -> list[str | None]:
    if require().types.is_string_view(dictionary.type):
        # Which pyarrow cannot take from.
        return [dictionary[index].as_py() for index in used.to_pylist()]
    texts: list[str | None] = dictionary.take(used).to_pylist()
    return texts


def _moments(column: "pa.Array", first_record: int) -> NDArray[np.datetime64]:
    pa = require()
    _refuse_nulls(column, TIMESTAMP, first_record)
    counted = column.cast(pa.int64()).to_numpy()
    unit = column.type.unit
    if unit == "ns":
        counted = counted // 1000
    factor = {"s": 1_000_000, "ms": 1000}.get(unit, 1)
    low, high = int(_FIRST_MOMENT.astype(np.int64)), int(_LAST_MOMENT.astype(np.int64))
    beyond = (counted < -(-low // factor)) | (counted > high // factor)
    if beyond.any():
        place = Place(("records", first_record + int(beyond.argmax()), TIMESTAMP))
        raise MalformedMessage([Wrong(place, "expected a time in the years 1 to 9999")])
    moments: NDArray[np.datetime64] = (counted * factor).astype("datetime64[us]")
    return moments


def _refuse_nulls(column: "pa.Array", name: str, first_record: int) -> None:
    if column.null_count:
        row = int(column.is_null().to_numpy(zero_copy_only=False).argmax())
        raise MalformedMessage(
            [Wrong(Place(("records", first_record + row, name)), "expected a value, got null")]
        )


def wrong(reason: str, *steps: str) -> MalformedMessage:
    """Return what says that something is wrong at a place."""
    return MalformedMessage([Wrong(Place(steps), reason)])
