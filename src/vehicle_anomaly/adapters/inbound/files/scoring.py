"""Readings of files → verdicts, a thousand at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.files.sourced import SourcedReading, wrong_in_record
from vehicle_anomaly.adapters.inbound.wire.answers import VerdictResponse, verdict_response
from vehicle_anomaly.core.errors import InvalidTelemetry
from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.model import ModelMetadata
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry, ScoreTelemetryCommand

READINGS_AT_ONCE: Final = 1000


class Counted(Protocol):
    """Some verdicts."""

    @property
    def n_readings(self) -> int:
        """How many."""
        ...

    @property
    def n_anomalies(self) -> int:
        """How many of them are anomalous."""
        ...


@dataclass(slots=True)
class Tally:
    """What has been counted.

    Attributes:
        readings: That were scored.
        anomalies: Those of them that are anomalous.
    """

    readings: int = 0
    anomalies: int = 0

    def add(self, verdicts: Counted) -> None:
        """Count verdicts."""
        self.readings += verdicts.n_readings
        self.anomalies += verdicts.n_anomalies


def scored(
    readings: Iterator[SourcedReading],
    score_telemetry: ScoreTelemetry,
    model: ModelMetadata,
    explain: Explain | None = None,
) -> Iterator[list[VerdictResponse]]:
    """Score readings, in order, all with one version of a model.

    Raises:
        BadLine: A line is no reading, or does not fit the model.
        DamagedModel: The version is not what was published.
        ModelStoreUnavailable: The model could not be read.
    """
    name, version = model.model_name, model.model_version
    while chunk := list(islice(readings, READINGS_AT_ONCE)):
        command = ScoreTelemetryCommand([sourced.reading for sourced in chunk], name, version, explain)
        try:
            verdicts = score_telemetry(command)
        except InvalidTelemetry as error:
            raise _located(error, chunk) from error
        yield [
            verdict_response(verdicts, verdict, sourced.timestamp)
            for verdict, sourced in zip(verdicts.verdicts, chunk, strict=True)
        ]


def _located(error: InvalidTelemetry, chunk: Sequence[SourcedReading]) -> BadLine:
    flaw = error.flaws[0]
    sourced = chunk[flaw.record or 0]
    return BadLine(sourced.file, sourced.line, str(wrong_in_record(flaw)))
