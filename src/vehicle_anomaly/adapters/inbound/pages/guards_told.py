"""What stands beside a forest, and the score that decides, in words."""

from typing import Final

from vehicle_anomaly.core.model import GuardsKind, ModelMetadata
from vehicle_anomaly.core.training_report import TrainingReport

_GUARDS: Final[dict[GuardsKind, str]] = {
    "none": "off: the forest alone",
    "ranges": "on: ranges and missing values",
    "partial": "on: ranges, missing values, some sensors against the others",
    "full": "on: ranges, missing values, every sensor against the others",
}


def guards_told(kind: GuardsKind) -> str:
    """Say whether a version has guards, and which."""
    return _GUARDS[kind]


def deciding_limit(known: ModelMetadata, report: TrainingReport | None) -> float | None:
    """Return the score below which the forest is a reason; None where nobody told.

    Args:
        known: Of the version.
        report: On its training; those from before there were limits in them tell none.
    """
    if report is not None and report.scores.isolation_limit is not None:
        return report.scores.isolation_limit
    return 0.0 if known.guards == "none" else None
