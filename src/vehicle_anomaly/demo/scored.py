"""A trip and what the service said of it, and what the two together say of the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.demo.faults import Injection
from vehicle_anomaly.demo.fleet import Trip


@dataclass(frozen=True, slots=True, eq=False)
class ScoredTrip:
    """One verdict per reading.

    Attributes:
        trip: As it was sent.
        injection: The fault in it, if any.
        scores: Shape (n_readings,); negative is anomalous.
        flagged: Shape (n_readings,); the verdict's `is_anomaly`.
        reasons: Of each reading, the verdict's reasons; empty where it is not flagged.
    """

    trip: Trip
    injection: Injection | None
    scores: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    reasons: Sequence[Sequence[Mapping[str, Any]]]

    @property
    def faulty(self) -> NDArray[np.bool_]:
        """Shape (n_readings,): whether a fault was injected there."""
        n_readings = len(self.trip.values)
        return np.zeros(n_readings, np.bool_) if self.injection is None else self.injection.mask(n_readings)

    @property
    def lowest_faulty(self) -> int:
        """Index of the faulty reading with the lowest score."""
        return int(np.where(self.faulty, self.scores, np.inf).argmin())

    def first_reasons(self, at: NDArray[np.bool_]) -> list[Mapping[str, Any]]:
        """The most telling reason of each flagged reading.

        Args:
            at: Shape (n_readings,): among which readings.
        """
        return [self.reasons[row][0] for row in np.flatnonzero(at & self.flagged).tolist()]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one fault fared.

    Attributes:
        vehicle_id: Whose trip.
        injection: The fault and where it was.
        detected: Share of the faulty readings that were flagged.
        flagged_when_healthy: Share of the same trip's other readings that were flagged, all false alarms.
        named: Share of the flagged faulty readings whose first reason names a sensor that is at fault; None
            where nothing was flagged.
        reason: What the first reason says that named such a sensor; or else the first reason of all.
    """

    vehicle_id: str
    injection: Injection
    detected: float
    flagged_when_healthy: float
    named: float | None
    reason: str


def outcomes(scored: Sequence[ScoredTrip]) -> list[Outcome]:
    """One per faulty trip, in their order."""
    return [_outcome(trip, trip.injection) for trip in scored if trip.injection is not None]


def _outcome(trip: ScoredTrip, injection: Injection) -> Outcome:
    told = trip.first_reasons(trip.faulty)
    right = [reason for reason in told if reason["feature"] in injection.fault.sensors]
    return Outcome(
        vehicle_id=trip.trip.vehicle_id,
        injection=injection,
        detected=float(trip.flagged[trip.faulty].mean()),
        flagged_when_healthy=float(trip.flagged[~trip.faulty].mean()),
        named=len(right) / len(told) if told else None,
        reason=str((right or told)[0]["message"]) if told else "",
    )


def false_alarms(scored: Sequence[ScoredTrip]) -> tuple[int, int]:
    """Healthy readings that were flagged, and healthy readings, of all trips together."""
    healthy = [~trip.faulty for trip in scored]
    flagged = sum(int(trip.flagged[at].sum()) for trip, at in zip(scored, healthy, strict=True))
    return flagged, sum(int(at.sum()) for at in healthy)


def clearest(scored: Sequence[ScoredTrip]) -> ScoredTrip:
    """The faulty trip whose fault was detected in the largest share of its readings."""
    faulty = [trip for trip in scored if trip.injection is not None]
    return max(faulty, key=lambda trip: (trip.flagged[trip.faulty].mean(), -trip.scores[trip.faulty].min()))
