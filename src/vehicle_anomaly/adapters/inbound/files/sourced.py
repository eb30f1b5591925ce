"""Readings with the place in a file that each was read from."""

from typing import NamedTuple

from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.core.errors import Flaw, InvalidTelemetry
from vehicle_anomaly.core.telemetry import Reading


class SourcedReading(NamedTuple):
    """A reading, and where it stands.

    Attributes:
        reading: It.
        timestamp: Its timestamp as it is to be answered.
        file: Name of the file.
        line: Physical line it begins at, from 1.
    """

    reading: Reading
    timestamp: str
    file: str
    line: int


def first_wrong(error: MalformedMessage | InvalidTelemetry) -> Wrong:
    """Return the first thing that is wrong, placed within its record."""
    return error.wrong[0] if isinstance(error, MalformedMessage) else wrong_in_record(error.flaws[0])


def wrong_in_record(flaw: Flaw) -> Wrong:
    """Place a flaw within its record."""
    steps = (flaw.field,) if flaw.item is None else (flaw.field, flaw.item)
    return Wrong(Place(steps), flaw.reason)
