"""What the producer of the demonstration sends: requests of every kind, from the simulated fleet."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from vehicle_anomaly.demo.client import named_reading, records_of
from vehicle_anomaly.demo.fleet import Trip
from vehicle_anomaly.demo.sensors import FEATURE_NAMES

Json = dict[str, Any]

BATCH_SECONDS: Final = 60
SINGLE_EVERY_SECONDS: Final = 12


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message.

    Attributes:
        kind: What it is, for the table.
        body: As it is sent.
        is_poison: Whether no worker can decode it.
    """

    kind: str
    body: str
    is_poison: bool = False


def training(trips: Sequence[Trip]) -> Outgoing:
    """Learn from all readings of healthy trips."""
    records = [record for trip in trips for record in records_of(trip)]
    return _request("ingest", {"feature_names": FEATURE_NAMES, "records": records})


def scoring(trips: Sequence[Trip]) -> list[Outgoing]:
    """Single readings, and a batch a minute, of each trip."""
    messages = []
    for trip in trips:
        records = records_of(trip)
        singles = range(0, len(records), SINGLE_EVERY_SECONDS)
        messages += [_request("score", named_reading(trip, second)) for second in singles]
        messages += [
            _request("score_batch", {"records": records[first : first + BATCH_SECONDS]})
            for first in range(0, len(records), BATCH_SECONDS)
        ]
    return messages


def to_be_refused(trip: Trip) -> list[Outgoing]:
    """Well-formed requests that cannot be answered: they are told why, and deleted."""
    reading = named_reading(trip, 0)
    features = reading["features"]
    return [
        _request("score", {**reading, "model_name": "trucks"}),
        _request("score", {**reading, "features": {**features, "oil_pressure_kpa": 310.0}}),
        _request("score_batch", {"records": []}),
    ]


def poison() -> list[Outgoing]:
    """What is no request at all: it ends in the dead-letter queue, untouched."""
    return [
        Outgoing("(no JSON)", "hello?", is_poison=True),
        Outgoing("(unknown type)", json.dumps({"type": "explain"}), is_poison=True),
    ]


def as_csv(trip: Trip) -> bytes:
    """A trip as a file, as `vehicle-anomaly score` takes it, too."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("timestamp", "vehicle_id", *FEATURE_NAMES))
    for moment, vector in zip(trip.timestamps, trip.values.tolist(), strict=True):
        rows.writerow((f"{moment}Z", trip.vehicle_id, *vector))
    return text.getvalue().encode()


def _request(tag: str, fields: Json) -> Outgoing:
    return Outgoing(tag, json.dumps({"type": tag, **fields}))
