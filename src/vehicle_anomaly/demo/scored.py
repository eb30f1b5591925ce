"""A trip and what the service said of it, and what the two together say of the model."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """

    trip: Trip
    injection: Injection | None
    scores: NDArray[np.float64]
    flagged: NDArray[np.bool_]

    @property
    def faulty(self) -> NDArray[np.bool_]:
        """Shape (n_readings,): whether a fault was injected there."""
        n_readings = len(self.trip.values)
        return np.zeros(n_readings, np.bool_) if self.injection is None else self.injection.mask(n_readings)

    @property
    def lowest_faulty(self) -> int:
        """Index of the faulty reading with the lowest score."""
        return int(np.where(self.faulty, self.scores, np.inf).argmin())


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one fault fared.

    Attributes:
        vehicle_id: Whose trip.
        injection: The fault and where it was.
        detected: Share of the faulty readings that were flagged.
        flagged_when_healthy: Share of the same trip's other readings that were flagged, all false alarms.
        lowest_score: Of the faulty readings.
    """

    vehicle_id: str
    injection: Injection
    detected: float
    flagged_when_healthy: float
    lowest_score: float


def outcomes(scored: Sequence[ScoredTrip]) -> list[Outcome]:
    """One per faulty trip, in their order."""
    return [
        Outcome(
            vehicle_id=trip.trip.vehicle_id,
            injection=trip.injection,
            detected=float(trip.flagged[trip.faulty].mean()),
            flagged_when_healthy=float(trip.flagged[~trip.faulty].mean()),
            lowest_score=float(trip.scores[trip.faulty].min()),
        )
        for trip in scored
        if trip.injection is not None
    ]


def false_alarms(scored: Sequence[ScoredTrip]) -> tuple[int, int]:
    """Healthy readings that were flagged, and healthy readings, of all trips together."""
    healthy = [~trip.faulty for trip in scored]
    flagged = sum(int(trip.flagged[at].sum()) for trip, at in zip(scored, healthy, strict=True))
    return flagged, sum(int(at.sum()) for at in healthy)


def clearest(scored: Sequence[ScoredTrip]) -> ScoredTrip:
    """The faulty trip whose fault was detected in the largest share of its readings."""
    faulty = [trip for trip in scored if trip.injection is not None]
    return max(faulty, key=lambda trip: (trip.flagged[trip.faulty].mean(), -trip.scores[trip.faulty].min()))
