"""What every store promises of candidates, and of the records of what became the latest version."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.test_model_repository import DEFAULT, STORES, V1, V2, V3
from tests.fakes import ADA, NOON, a_trained_model, renamed
from vehicle_anomaly.core.errors import NoVersionPromoted, UnknownModel, UnknownModelVersion
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.promotions import Promoter, Promotion

HOUR = timedelta(hours=1)


@pytest.fixture(params=STORES)
def models(request: pytest.FixtureRequest, tmp_path: Path, new_bucket: Callable[[], str]) -> ModelRepository:
    return STORES[request.param](tmp_path, new_bucket)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return a_trained_model("v1")


def _changes(models: ModelRepository) -> list[tuple[ModelVersion | None, ModelVersion]]:
    return [(each.from_version, each.to_version) for each in models.promotions(DEFAULT)]


def test_publications_and_promotions_are_on_record_in_order(
    models: ModelRepository, model: TrainedModel
) -> None:
    later = NOON + HOUR
    models.publish(model, "grace@workshop")
    models.publish(renamed(model, "v2", trained_at=later))
    # A clock that was set back: the order is that in which it happened.
    models.promote(DEFAULT, V1, Promoter("Jürgen 🚚@ßtation", NOON - HOUR))

    assert models.promotions(DEFAULT) == [
        Promotion(1, NOON, "grace@workshop", True, None, V1, NOON),
        Promotion(2, later, "trainer", True, V1, V2, later),
        Promotion(3, NOON - HOUR, "Jürgen 🚚@ßtation", False, V2, V1, NOON),
    ]


def test_what_changes_nothing_is_not_on_record(models: ModelRepository, model: TrainedModel) -> None:
    models.publish(model)

    models.publish(model)
    models.promote(DEFAULT, V1, ADA)
    models.promote(DEFAULT, V1, ADA)

    assert _changes(models) == [(None, V1)]
    models.publish(renamed(model, "v2"))
    assert _changes(models) == [(None, V1), (V1, V2)]


def test_a_refused_promotion_is_not_on_record(models: ModelRepository, model: TrainedModel) -> None:
    models.publish(model)

    with pytest.raises(UnknownModelVersion, match="not available"):
        models.promote(DEFAULT, V2, ADA)

    assert _changes(models) == [(None, V1)]


def test_a_candidate_waits_until_it_is_promoted(models: ModelRepository, model: TrainedModel) -> None:
    models.publish(model)

    models.publish(renamed(model, "v2", trained_at=NOON + HOUR), None)

    assert models.latest(DEFAULT) == V1
    assert models.versions(DEFAULT).latest == V1
    assert models.versions(DEFAULT).candidates == {V2}
    assert _changes(models) == [(None, V1)]
    models.promote(DEFAULT, V2, ADA)
    assert models.latest(DEFAULT) == V2
    assert models.versions(DEFAULT).candidates == frozenset()
    # It was the latest once: rolled back from, it waits for nothing.
    models.promote(DEFAULT, V1, ADA)
    assert models.versions(DEFAULT).candidates == frozenset()


def test_a_candidate_that_was_passed_over_waits_no_more(models: ModelRepository, model: TrainedModel) -> None:
    models.publish(model)
    models.publish(renamed(model, "v2", trained_at=NOON + HOUR), None)
    models.publish(renamed(model, "v3", trained_at=NOON + 2 * HOUR), None)
    assert models.versions(DEFAULT).candidates == {V2, V3}

    models.promote(DEFAULT, V3, ADA)

    assert models.versions(DEFAULT).candidates == frozenset()


def test_of_a_model_with_candidates_alone_none_answers_and_it_is_said_how_one_does(
    models: ModelRepository, model: TrainedModel
) -> None:
    models.publish(model, None)
    models.publish(renamed(model, "v2"), None)

    with pytest.raises(NoVersionPromoted, match=r"not available.*v2, v1.*models promote default v2"):
        models.latest(DEFAULT)

    assert models.versions(DEFAULT).latest is None
    assert models.versions(DEFAULT).candidates == {V1, V2}
    assert models.promotions(DEFAULT) == []
    assert models.names() == [DEFAULT]
    models.promote(DEFAULT, V1, ADA)
    assert models.latest(DEFAULT) == V1


def test_a_candidate_sent_again_stays_one(models: ModelRepository, model: TrainedModel) -> None:
    models.publish(model)
    models.publish(renamed(model, "v2"), None)

    models.publish(renamed(model, "v2"), None)
    models.publish(renamed(model, "v2"))

    assert models.latest(DEFAULT) == V1


def test_of_a_model_without_versions_nothing_is_on_record(
    models: ModelRepository, model: TrainedModel
) -> None:
    models.publish(model)

    with pytest.raises(UnknownModel):
        models.promotions(ModelName("unknown"))


def test_concurrent_promotions_and_publications_are_all_on_record_once(
    models: ModelRepository, model: TrainedModel
) -> None:
    people, rounds = 4, 4
    for number in range(people):
        models.publish(renamed(model, f"v{number}"))
    together = threading.Barrier(people)

    def decide(person: int) -> None:
        together.wait()
        for number in range(rounds):
            if number % 2:
                models.publish(renamed(model, f"v{person}-{number}"))
            else:
                version = ModelVersion(f"v{(person + number) % people}")
                models.promote(DEFAULT, version, Promoter(f"person {person}", NOON))

    with ThreadPoolExecutor(people) as pool:
        list(pool.map(decide, range(people)))

    recorded = models.promotions(DEFAULT)
    assert [each.number for each in recorded] == sorted({each.number for each in recorded})
    # Each takes over from the one before: nothing is lost, nothing is there twice.
    assert [each.from_version for each in recorded] == [None, *(each.to_version for each in recorded[:-1])]
    assert recorded[-1].to_version == models.latest(DEFAULT)
    published = {f"v{person}-{number}" for person in range(people) for number in (1, 3)}
    assert published <= {each.to_version.value for each in recorded}
