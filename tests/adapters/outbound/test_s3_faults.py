"""S3 goes wrong on every request in turn, in every way: nothing is lost, doubled, or told that is not so."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import boto3
import pytest

from tests.adapters.outbound.s3_proxy import Fault, S3Proxy, s3_proxy
from tests.fakes import ADA, a_trained_model, renamed
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.core.errors import ModelStoreUnavailable, UnknownModel, VersionExists
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel

DEFAULT = ModelName("default")
V1, V2, V3 = ModelVersion("v1"), ModelVersion("v2"), ModelVersion("v3")
SILENT_SECONDS = 1.0
"""How long the client waits for an answer that does not come: longer than a busy machine takes for one."""

Open = Callable[[str], S3Models]


@pytest.fixture(scope="module")
def small() -> TrainedModel:
    return replace(a_trained_model("v1", n_estimators=1), estimator=None)


@pytest.fixture(scope="module")
def other() -> TrainedModel:
    return replace(a_trained_model("v1", n_estimators=1, seed=1), estimator=None)


@pytest.fixture
def proxy(aws_url: str) -> Iterator[S3Proxy]:
    with s3_proxy(aws_url) as running:
        yield running


@pytest.fixture
def bucket(new_bucket: Callable[[], str]) -> str:
    return new_bucket()


@pytest.fixture
def through(proxy: S3Proxy, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a store through the proxy, under a prefix; it does not pause before it tries again."""
    with monkeypatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", proxy.url)
        client = s3_client(read_seconds=SILENT_SECONDS)
    yield lambda prefix: S3Models(S3Bucket(client, bucket, sleep=lambda _: None), prefix)
    client.close()


@pytest.fixture
def beside(bucket: str) -> Iterator[Open]:
    """Open a store past the proxy."""
    client = s3_client()
    yield lambda prefix: S3Models(S3Bucket(client, bucket), prefix)
    client.close()


def a_day_of_work(store: S3Models, small: TrainedModel, other: TrainedModel) -> None:
    """Do everything that a store can, and see that it is as told."""
    v2 = renamed(other, "v2")
    assert store.publish(small) == small.metadata
    assert store.publish(v2) == v2.metadata
    assert store.latest(DEFAULT) == V2
    assert store.load(DEFAULT, V2).content_sha256() == v2.content_sha256()
    store.promote(DEFAULT, V1, ADA)
    assert store.latest(DEFAULT) == V1
    assert store.latest(DEFAULT) == V1
    assert store.publish(v2) == v2.metadata
    with pytest.raises(VersionExists):
        store.publish(other)
    store.add(replace(store.files(DEFAULT, V2)))
    known = store.versions(DEFAULT)
    assert (known.latest, len(known.versions), known.damaged) == (V1, 2, ())
    assert store.names() == [DEFAULT]
    store.check()


def all_of(requests: list[str]) -> list[int]:
    return list(range(len(requests)))


def one_of_each_kind(requests: list[str]) -> list[int]:
    """Return the number of the first request of each method on each kind of file, whatever its version."""
    kinds = [re.sub(r"/v\d/|\d{8}-v\d", "/*/", request) for request in requests]
    return sorted({kind: number for number, kind in reversed(list(enumerate(kinds)))}.values())


def changes(store: S3Models) -> list[tuple[ModelVersion | None, ModelVersion]]:
    return [(each.from_version, each.to_version) for each in store.promotions(DEFAULT)]


def is_whole(store: S3Models, contents: dict[ModelVersion, TrainedModel], latest: ModelVersion) -> None:
    known = store.versions(DEFAULT)
    assert known.damaged == ()
    assert {each.model_version for each in known.versions} == contents.keys()
    for version, model in contents.items():
        assert store.load(DEFAULT, version).content_sha256() == model.content_sha256()
        store.files(DEFAULT, version)
    assert store.latest(DEFAULT) == latest


@pytest.mark.parametrize(
    ("fault", "chosen"),
    [
        # Whether it was done is what a client has to find out: on every request. The others on one of each
        # kind here, and on every request in the long form.
        (Fault.RESPONSE_LOST, all_of),
        *((fault, one_of_each_kind) for fault in Fault if fault is not Fault.RESPONSE_LOST),
        *(
            pytest.param(fault, all_of, marks=pytest.mark.soak)
            for fault in Fault
            if fault is not Fault.RESPONSE_LOST
        ),
    ],
)
@pytest.mark.timeout(900)  # some 50 days of 50 requests, on a machine that does other things too
def test_a_fault_on_any_request_changes_nothing_but_a_tenth_more_requests(  # noqa: PLR0917
    proxy: S3Proxy,
    through: Open,
    beside: Open,
    bucket: str,
    small: TrainedModel,
    other: TrainedModel,
    fault: Fault,
    chosen: Callable[[list[str]], list[int]],
) -> None:
    a_day_of_work(through("rest"), small, other)
    at_rest = list(proxy.requests)
    contents = {V1: small, V2: renamed(other, "v2")}

    for number in chosen(at_rest):
        request = at_rest[number]
        prefix = f"fault-{number}"
        proxy.forget()
        proxy.faults[number] = fault

        a_day_of_work(through(prefix), small, other)

        assert len(proxy.requests) <= 1.1 * len(at_rest), request
        is_whole(beside(prefix), contents, V1)
        listed = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/")["Contents"]
        # Four files of each of two versions, LATEST, and what is on record of three changes.
        assert len(listed) == 12, request
        assert changes(beside(prefix)) == [(None, V1), (V1, V2), (V2, V1)], request


@pytest.mark.parametrize("fault", [Fault.RESPONSE_LOST, Fault.UNAVAILABLE])
def test_a_publisher_whose_store_goes_away_at_any_request_claims_nothing_and_is_finished_by_the_next(  # noqa: PLR0917
    proxy: S3Proxy, through: Open, beside: Open, small: TrainedModel, other: TrainedModel, fault: Fault
) -> None:
    v2 = renamed(small, "v2")
    first = through("rest")
    first.publish(small)
    proxy.forget()
    first.publish(v2)
    steps = len(proxy.requests)

    for step in range(steps):
        for number, attempt in enumerate((v2, renamed(other, "v2"))):
            prefix = f"away-{step}-{number}"
            proxy.forget()
            store = through(prefix)
            store.publish(small)
            proxy.since, proxy.always = len(proxy.requests) + step, fault
            told = None
            with suppress(ModelStoreUnavailable):
                told = store.publish(v2)
            again = beside(prefix)
            found = again.versions(DEFAULT)
            assert found.damaged == ()
            assert found.latest == again.latest(DEFAULT)
            # What was told is so; what was not told may be so.
            if told is not None:
                assert [each.model_version for each in found.versions].count(V2) == 1
                assert found.latest == V2
            assert found.latest in {each.model_version for each in found.versions}

            decided: TrainedModel = attempt
            try:
                again.publish(attempt)
            except VersionExists:
                decided = v2
            is_whole(again, {V1: small, V2: decided}, again.latest(DEFAULT))
            again.publish(decided)
            is_whole(again, {V1: small, V2: decided}, V2)
            assert changes(again) == [(None, V1), (V1, V2)]


def test_a_store_that_is_away_is_asked_a_tenth_more_often_than_one_that_is_well(
    proxy: S3Proxy, through: Open, small: TrainedModel
) -> None:
    store = through("away")
    store.publish(small)
    proxy.forget()
    proxy.always = Fault.UNAVAILABLE
    reserve = 10

    for _ in range(200):
        with pytest.raises(ModelStoreUnavailable):
            store.load(DEFAULT, V1)

    assert 200 < len(proxy.requests) <= 1.1 * 200 + reserve


def test_a_store_that_never_answers_is_told_to_be_away_in_one_sentence_that_says_what_to_do(
    proxy: S3Proxy, through: Open
) -> None:
    proxy.always = Fault.RESET

    with pytest.raises(ModelStoreUnavailable, match=r"AWS_ENDPOINT_URL"):
        through("away").check()


def test_the_latest_version_is_sent_only_when_it_has_changed(
    proxy: S3Proxy, through: Open, beside: Open, small: TrainedModel
) -> None:
    store, another = through("poll"), beside("poll")
    with pytest.raises(UnknownModel):
        store.latest(DEFAULT)
    another.publish(small)
    assert store.latest(DEFAULT) == V1
    proxy.forget()

    for _ in range(10):
        assert store.latest(DEFAULT) == V1
    assert len(proxy.requests) == 10

    another.publish(renamed(small, "v2"))
    assert store.latest(DEFAULT) == V2
    another.promote(DEFAULT, V1, ADA)
    assert store.latest(DEFAULT) == V1
