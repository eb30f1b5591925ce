"""Which version answered from when on, and who decided it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from vehicle_anomaly.core.model import ModelMetadata, ModelVersion

MAX_PROMOTER_LENGTH: Final = 100
TRAINER: Final = "trainer"
"""Who promotes at publishing when nobody is named."""

Kind = Literal["publication", "promotion", "rollback"]
"""`publication`: by itself, when the version was published. `promotion`: somebody decided for a newer one.
`rollback`: for an older one."""


@dataclass(frozen=True, slots=True)
class Promoter:
    """Who makes a version the latest, and when.

    Attributes:
        by: 1 to 100 printable characters: the id of a key, or user and host.
        at: Aware.

    Raises:
        ValueError: It is not.
    """

    by: str
    at: datetime

    def __post_init__(self) -> None:
        if not (1 <= len(self.by) <= MAX_PROMOTER_LENGTH and self.by.isprintable()):
            raise ValueError(f"by: expected 1 to {MAX_PROMOTER_LENGTH} printable characters")
        if self.at.tzinfo is None:
            raise ValueError("at: expected a time with an offset from UTC")


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become the latest version of a model, before it is known what it takes over from.

    Attributes:
        promoter: Who decided it.
        to_version: The version.
        to_trained_at: When that was trained.
        automatic: Whether publishing it decided it.
    """

    promoter: Promoter
    to_version: ModelVersion
    to_trained_at: datetime
    automatic: bool = False

    def after(self, number: int, from_version: ModelVersion | None) -> "Promotion":
        """Return the record of it."""
        return Promotion(
            number=number,
            at=self.promoter.at,
            by=self.promoter.by,
            automatic=self.automatic,
            from_version=from_version,
            to_version=self.to_version,
            to_trained_at=self.to_trained_at,
        )


@dataclass(frozen=True, slots=True)
class Promotion:
    """The record of a change of the latest version of a model.

    Attributes:
        number: From 1, larger with each change: the order in which they happened, whatever the clocks said.
        at: When, by the clock of who decided it.
        by: Who.
        automatic: Whether publishing the version decided it.
        from_version: What was the latest before; None when none was, or none that can be read.
        to_version: What is the latest from then on.
        to_trained_at: When that was trained.
    """

    number: int
    at: datetime
    by: str
    automatic: bool
    from_version: ModelVersion | None
    to_version: ModelVersion
    to_trained_at: datetime


def candidates(
    versions: Iterable[ModelMetadata],
    latest: ModelVersion | None,
    ever_latest: Callable[[], frozenset[ModelVersion]],
) -> frozenset[ModelVersion]:
    """Find the versions that wait: not older than the one that answers, and never the latest themselves.

    Args:
        versions: All that can be read.
        latest: Which of them answers.
        ever_latest: Returns what is on record as having been the latest; asked only if it matters.
    """
    by_version = {known.model_version: known for known in versions}
    answering = None if latest is None else by_version[latest]
    newer = {
        version
        for version, known in by_version.items()
        if answering is None or (version != latest and known.trained_at >= answering.trained_at)
    }
    return frozenset(newer - ever_latest()) if newer else frozenset()


def kinds(
    promotions: Sequence[Promotion], trained_at: Callable[[ModelVersion], datetime | None]
) -> list[Kind]:
    """Tell of each record what kind of change it is.

    Args:
        promotions: In any order.
        trained_at: Tells when a version was trained of which no record tells it; None when nobody knows.
    """
    known: dict[ModelVersion, datetime | None] = {each.to_version: each.to_trained_at for each in promotions}

    def kind(promotion: Promotion) -> Kind:
        if promotion.automatic:
            return "publication"
        before = promotion.from_version
        if before is None:
            return "promotion"
        if before not in known:
            known[before] = trained_at(before)
        moment = known[before]
        return "rollback" if moment is not None and promotion.to_trained_at < moment else "promotion"

    return [kind(promotion) for promotion in promotions]
