"""What went wrong, as problem details."""

from collections.abc import Iterator

import pytest

from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.adapters.inbound.wire.problems import (
    REFUSALS,
    problem_of_malformed,
    problem_of_refusal,
)
from vehicle_anomaly.core.errors import (
    Flaw,
    InvalidModelName,
    InvalidModelVersion,
    InvalidTelemetry,
    Refusal,
    VersionExists,
    WrongFeatureCount,
)

# Never raised itself: what is wrong with readings has a name.
FAMILIES = {InvalidTelemetry}


def _refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for each in kind.__subclasses__():
        yield each
        yield from _refusals(each)


def test_every_refusal_has_its_row() -> None:
    assert set(REFUSALS) == set(_refusals()) - FAMILIES


def test_every_row_is_a_kind_of_its_own() -> None:
    rows = REFUSALS.values()
    assert len({kind for kind, _, _ in rows}) == len({title for _, title, _ in rows}) == len(REFUSALS)
    assert {status for _, _, status in rows} == {400, 404, 409, 413}


@pytest.mark.parametrize(
    ("refusal", "pointer"),
    [(InvalidModelName("~", "x"), "/model_name"), (InvalidModelVersion("~", "x"), "/model_version")],
)
def test_names_are_told_by_their_field(refusal: Refusal, pointer: str) -> None:
    told = problem_of_refusal(refusal)
    assert isinstance(told.errors, list)
    assert [each.pointer for each in told.errors] == [pointer]


def test_what_is_nowhere_in_the_message_has_no_places() -> None:
    told = problem_of_refusal(VersionExists("default", "v1"))
    assert (told.status, told.detail) == (409, str(VersionExists("default", "v1")))
    assert not isinstance(told.errors, list)


def test_flaws_of_a_batch_and_of_a_single_reading() -> None:
    refusal = WrongFeatureCount([Flaw("feature_vector", "too short", 17), Flaw("features", "odd", 18, "a/b")])
    batch, single = problem_of_refusal(refusal), problem_of_refusal(refusal, single=True)
    assert batch.detail == "records[17].feature_vector: too short (and 1 more, see errors)"
    assert single.detail == "feature_vector: too short (and 1 more, see errors)"
    assert isinstance(batch.errors, list)
    assert [each.pointer for each in batch.errors] == [
        "/records/17/feature_vector",
        "/records/18/features/a~1b",
    ]


def test_malformed() -> None:
    told = problem_of_malformed(MalformedMessage([Wrong(Place(("a", 0)), "odd")]))
    assert (told.status, told.detail) == (400, "a[0]: odd")
