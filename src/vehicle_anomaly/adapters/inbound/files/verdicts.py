"""Verdicts of readings of a file, in the form in which they came about."""

from dataclasses import dataclass
from typing import Final

import msgspec

from vehicle_anomaly.adapters.inbound.wire.answers import VerdictResponse, verdict_responses
from vehicle_anomaly.adapters.inbound.wire.scanned import Scanned
from vehicle_anomaly.adapters.inbound.wire.verdict_texts import verdict_texts
from vehicle_anomaly.core.score_telemetry import Scores

_encode_lines: Final = msgspec.json.Encoder().encode_lines


@dataclass(frozen=True, slots=True)
class ScannedVerdicts:
    """Verdicts of readings in columns.

    Attributes:
        scanned: The readings.
        scores: What the model says of them.
    """

    scanned: Scanned
    scores: Scores

    @property
    def n_readings(self) -> int:
        """How many."""
        return len(self.scanned)

    @property
    def n_anomalies(self) -> int:
        """How many of them are anomalous."""
        return len(self.scores.reasons)

    def responses(self) -> list[VerdictResponse]:
        """Return them as messages."""
        records = range(len(self.scanned))
        timestamps = map(self.scanned.timestamp, records)
        return verdict_responses(self.scores, map(self.scanned.vehicle_id, records), timestamps)

    def lines(self) -> bytes:
        """Return them as JSON, one a line."""
        return verdict_texts(self.scanned, self.scores, b"\n")


@dataclass(frozen=True, slots=True)
class VerdictList:
    """Verdicts of readings that were read one by one.

    Attributes:
        verdicts: They.
    """

    verdicts: list[VerdictResponse]

    @property
    def n_readings(self) -> int:
        """How many."""
        return len(self.verdicts)

    @property
    def n_anomalies(self) -> int:
        """How many of them are anomalous."""
        return sum(verdict.is_anomaly for verdict in self.verdicts)

    def responses(self) -> list[VerdictResponse]:
        """Return them as messages."""
        return self.verdicts

    def lines(self) -> bytes:
        """Return them as JSON, one a line."""
        return _encode_lines(self.verdicts)


SomeVerdicts = ScannedVerdicts | VerdictList
