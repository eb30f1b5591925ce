"""What kind of change a record is of, and who may be on it."""

from datetime import timedelta

import pytest

from tests.fakes import ADA, NOON, FixedClock, InMemoryModels, a_trained_model, renamed
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelVersion
from vehicle_anomaly.core.promote_version import ListPromotions, PromoteVersion, PromoteVersionCommand
from vehicle_anomaly.core.promotions import Promoter, Promotion, kinds

V1, V2 = ModelVersion("v1"), ModelVersion("v2")


def test_the_newest_comes_first_and_says_what_kind_of_change_it_was() -> None:
    models, model = InMemoryModels(), a_trained_model("v1")
    models.publish(model, "grace")
    models.publish(renamed(model, "v2", trained_at=NOON + timedelta(hours=1)), "grace")
    promote = PromoteVersion(models, FixedClock(NOON + timedelta(hours=2)))
    promote(PromoteVersionCommand(DEFAULT_MODEL_NAME, V1, "ada"))
    promote(PromoteVersionCommand(DEFAULT_MODEL_NAME, V2, "ada"))

    told = ListPromotions(models)(DEFAULT_MODEL_NAME)

    assert [(each.kind, each.promotion.by, each.promotion.to_version.value) for each in told] == [
        ("promotion", "ada", "v2"),
        ("rollback", "ada", "v1"),
        ("publication", "grace", "v2"),
        ("publication", "grace", "v1"),
    ]
    assert told[0].promotion.at == NOON + timedelta(hours=2)


@pytest.mark.parametrize(
    ("before", "kind"),
    [(NOON + timedelta(hours=1), "rollback"), (NOON - timedelta(hours=1), "promotion"), (None, "promotion")],
)
def test_a_version_that_no_record_tells_of_is_asked_for(before: object, kind: str) -> None:
    first = Promotion(1, NOON, "ada", False, V2, V1, NOON)

    assert kinds([first], lambda _: before) == [kind]  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("by", ["", "x" * 101, "two\nlines", "\x1b[2J"])
def test_who_is_on_record_can_be_printed(by: str) -> None:
    with pytest.raises(ValueError, match="by: expected 1 to 100 printable characters"):
        Promoter(by, NOON)


def test_when_is_on_record_is_a_moment() -> None:
    with pytest.raises(ValueError, match="at: expected"):
        Promoter(ADA.by, NOON.replace(tzinfo=None))
