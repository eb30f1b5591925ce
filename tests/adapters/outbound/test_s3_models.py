"""What only a store in a bucket does: its layout, who dies at which step, and what S3 refuses."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes import ADA, NOON, a_trained_model, renamed
from vehicle_anomaly.adapters.outbound import s3_publication
from vehicle_anomaly.adapters.outbound.model_cache import CachedModels
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_errors import UnusableModelStore
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.core.errors import (
    DamagedModel,
    ModelStoreUnavailable,
    UnknownModel,
    UnknownModelVersion,
    VersionExists,
)
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

DEFAULT = ModelName("default")
V1, V2, V3 = ModelVersion("v1"), ModelVersion("v2"), ModelVersion("v3")
PUBLICATION = "fleet/.publications/default/v2"


class Died(BaseException):
    """Stands for the end of the process: nothing catches it."""


class MortalBucket(S3Bucket):
    """Dies at a write, before or after it is done."""

    deadly_write: int | None = None
    after = False
    writes = 0

    def _put(self, key: str, data: bytes, metadata: Any, condition: Any) -> bool:
        put = super()._put
        return bool(self._or_die(lambda: put(key, data, metadata, condition)))

    def delete(self, key: str) -> None:
        """Delete, or die."""
        delete = super().delete
        self._or_die(lambda: delete(key))

    def _or_die(self, write: Callable[[], Any]) -> Any:
        number, self.writes = self.writes, self.writes + 1
        if number == self.deadly_write:
            if self.after:
                write()
            raise Died
        return write()


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return a_trained_model("v1", n_estimators=2)


@pytest.fixture(scope="module")
def other() -> TrainedModel:
    return a_trained_model("v1", n_estimators=2, seed=1)


@pytest.fixture
def bucket(new_bucket: Callable[[], str]) -> str:
    return new_bucket()


@pytest.fixture
def client(bucket: str) -> "S3Client":
    return s3_client()


@pytest.fixture
def store(client: "S3Client", bucket: str) -> S3Models:
    return S3Models(S3Bucket(client, bucket), "fleet")


def keys(client: "S3Client", bucket: str) -> list[str]:
    return [listed["Key"] for listed in client.list_objects_v2(Bucket=bucket).get("Contents", ())]


def read(client: "S3Client", bucket: str, key: str) -> bytes:
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def die(client: "S3Client", bucket: str, model: TrainedModel, write: int, *, after: bool) -> None:
    mortal = MortalBucket(client, bucket)
    store = S3Models(mortal, "fleet")
    store.prove()
    mortal.deadly_write, mortal.after = mortal.writes + write, after
    with pytest.raises(Died):
        store.publish(model)


# Layout


def test_a_version_lies_where_the_contract_says(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel
) -> None:
    store.publish(model)
    assert read(client, bucket, "fleet/default/LATEST") == b"v1"
    store.publish(renamed(model, "v2"))

    assert keys(client, bucket) == [
        "fleet/default/.promotions/00000001-v1.json",
        "fleet/default/.promotions/00000002-v2.json",
        "fleet/default/LATEST",
        *(
            f"fleet/default/{version}/{file}"
            for version in ("v1", "v2")
            for file in ("forest.npz", "manifest.json", "model.joblib", "report.json")
        ),
    ]
    assert read(client, bucket, "fleet/default/LATEST").decode().strip() == "v2"
    manifest = json.loads(read(client, bucket, "fleet/default/v1/manifest.json"))
    for name, entry in manifest["files"].items():
        data = read(client, bucket, f"fleet/default/v1/{name}")
        assert entry == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_models_in_the_root_of_a_bucket_and_under_a_prefix_are_strangers(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel
) -> None:
    root = S3Models(S3Bucket(client, bucket))
    store.publish(model)

    assert root.names() == []
    root.publish(renamed(model, "v2"))
    assert root.names() == [DEFAULT]
    assert (root.latest(DEFAULT), store.latest(DEFAULT)) == (V2, V1)


def test_more_versions_than_s3_lists_at_once_are_all_found(
    client: "S3Client", bucket: str, model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3Models(S3Bucket(client, bucket), "fleet")
    names = [ModelName(f"m{number}") for number in range(3)]
    for name in names:
        for version in ("a", "b", "c"):
            store.publish(renamed(model, version, model_name=name))
    real = client.list_objects_v2

    def two_at_a_time(**arguments: Any) -> Any:
        return real(**{**arguments, "MaxKeys": 2})

    monkeypatch.setattr(client, "list_objects_v2", two_at_a_time)

    assert store.names() == names
    assert len(store.versions(names[0]).versions) == 3


def test_latest_is_other_bytes_after_each_change_though_it_names_the_same_version(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel
) -> None:
    store.publish(model)
    seen = set()
    for _ in range(10):
        store.promote(DEFAULT, V1, ADA)
        seen.add(client.head_object(Bucket=bucket, Key="fleet/default/LATEST")["ETag"])
        assert store.latest(DEFAULT) == V1

    assert len(seen) == 10


@pytest.mark.parametrize("text", [b"v1\n", b"v1\r\n", b" v1 ", b"v1" + b"\n" * 900])
def test_a_latest_written_by_hand_is_read_and_replaced(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel, text: bytes
) -> None:
    store.publish(model)
    client.put_object(Bucket=bucket, Key="fleet/default/LATEST", Body=text)
    assert store.latest(DEFAULT) == V1

    store.publish(renamed(model, "v2"))

    assert store.latest(DEFAULT) == V2


@pytest.mark.parametrize("text", [b"", b"\xff", b"../v1", b"v9", b"v1" * 1000])
def test_a_latest_that_names_no_version_is_told_and_replaced(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel, text: bytes
) -> None:
    store.publish(model)
    client.put_object(Bucket=bucket, Key="fleet/default/LATEST", Body=text)

    with pytest.raises(DamagedModel):
        S3Models(S3Bucket(client, bucket), "fleet").latest(DEFAULT)
    with pytest.raises(DamagedModel):
        store.latest(DEFAULT)
    if len(text) < 1024:
        known = store.versions(DEFAULT)
        assert (known.latest, [each.model_version for each in known.damaged]) == (None, ["LATEST"])

    store.promote(DEFAULT, V1, ADA)
    assert store.latest(DEFAULT) == V1


def test_a_latest_that_is_gone_is_told(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel
) -> None:
    store.publish(model)
    assert store.latest(DEFAULT) == V1
    client.delete_object(Bucket=bucket, Key="fleet/default/LATEST")

    with pytest.raises(UnknownModel):
        store.latest(DEFAULT)

    store.publish(model)
    assert store.latest(DEFAULT) == V1


# Damage


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("data", [b"", b"something else"])
def test_a_forest_that_was_replaced_is_damage(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel, data: bytes, *, checksum: bool
) -> None:
    store.publish(model)
    arguments: dict[str, Any] = {}
    if checksum:
        sha256 = base64.b64encode(hashlib.sha256(data).digest()).decode()
        arguments = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": sha256}
    client.put_object(Bucket=bucket, Key="fleet/default/v1/forest.npz", Body=data, **arguments)

    for ask in (store.load, lambda name, version: store.promote(name, version, ADA), store.files):
        with pytest.raises(DamagedModel):
            ask(DEFAULT, V1)
    assert [each.model_version for each in store.versions(DEFAULT).damaged] == ["v1"]


def test_a_forest_that_is_there_by_another_tool_is_read_to_be_hashed(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel
) -> None:
    store.publish(model)
    key = "fleet/default/v1/forest.npz"
    client.put_object(Bucket=bucket, Key=key, Body=read(client, bucket, key))

    assert store.versions(DEFAULT).damaged == ()


@pytest.mark.parametrize("file", ["forest.npz", "model.joblib", "report.json"])
def test_a_file_that_is_gone_is_damage(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel, file: str
) -> None:
    store.publish(model)
    client.delete_object(Bucket=bucket, Key=f"fleet/default/v1/{file}")

    with pytest.raises(DamagedModel, match=f"{file} is not there"):
        store.files(DEFAULT, V1)


def test_a_manifest_that_is_none_is_damage(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel
) -> None:
    store.publish(model)
    client.put_object(Bucket=bucket, Key="fleet/default/v1/manifest.json", Body=b"{}")

    for ask in (
        store.load,
        store.metadata,
        store.files,
        lambda name, version: store.promote(name, version, ADA),
    ):
        with pytest.raises(DamagedModel):
            ask(DEFAULT, V1)
    with pytest.raises(DamagedModel):
        store.publish(model)
    assert [each.model_version for each in store.versions(DEFAULT).damaged] == ["v1"]


# Dead publishers

# "before": the record of the change before, which whoever changes LATEST sees to.
WRITES = (
    "publication",
    "forest",
    "estimator",
    "report",
    "manifest",
    "before",
    "latest",
    "record",
    "deletion",
)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(len(WRITES)), ids=WRITES)
@pytest.mark.parametrize("same", [True, False], ids=["same", "other"])
def test_whoever_comes_after_a_dead_publisher_finds_a_version_or_finishes_it(
    store: S3Models,
    client: "S3Client",
    bucket: str,
    model: TrainedModel,
    other: TrainedModel,
    *,
    write: int,
    after: bool,
    same: bool,
) -> None:
    store.publish(model)
    dead = renamed(model, "v2")
    die(client, bucket, dead, write, after=after)
    decided = write > 0 or after
    there = (write, after) >= (WRITES.index("manifest"), True)
    moved = (write, after) >= (WRITES.index("latest"), True)

    known = store.versions(DEFAULT)
    assert known.damaged == ()
    assert known.latest == store.latest(DEFAULT) == (V2 if moved else V1)
    assert (V2 in {each.model_version for each in known.versions}) == there

    if same:
        later = renamed(model, "v2", trained_at=NOON.replace(hour=13))
        published = store.publish(later)
        assert published == (dead.metadata if decided else later.metadata)
        assert store.latest(DEFAULT) == V2
        assert not [key for key in keys(client, bucket) if "publications" in key]
    elif decided:
        with pytest.raises(VersionExists):
            store.publish(renamed(other, "v2"))
        assert store.load(DEFAULT, V2).content_sha256() == dead.content_sha256()
        assert store.latest(DEFAULT) == (V2 if moved else V1)
        store.publish(dead)
        assert store.latest(DEFAULT) == V2
    else:
        store.publish(renamed(other, "v2"))
        assert store.latest(DEFAULT) == V2
    store.files(DEFAULT, V2)
    assert store.versions(DEFAULT).damaged == ()
    assert [(each.from_version, each.to_version) for each in store.promotions(DEFAULT)] == [
        (None, V1),
        (V1, V2),
    ]


@pytest.mark.parametrize("decision", ["publish", "promote", "promote the same"])
def test_a_decision_after_a_dead_publisher_stays_when_his_version_is_published_again(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel, decision: str
) -> None:
    store.publish(model)
    store.publish(renamed(model, "v0"))
    die(client, bucket, renamed(model, "v2"), WRITES.index("latest"), after=False)
    decided = {"publish": V3, "promote": V1, "promote the same": ModelVersion("v0")}[decision]
    if decision == "publish":
        store.publish(renamed(model, "v3"))
    else:
        store.promote(DEFAULT, decided, ADA)

    store.publish(renamed(model, "v2"))

    assert store.latest(DEFAULT) == decided
    assert not [key for key in keys(client, bucket) if "publications" in key]


def test_adding_after_a_dead_publisher_leaves_the_latest_as_it_is(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel
) -> None:
    store.publish(model)
    die(client, bucket, renamed(model, "v2"), WRITES.index("forest"), after=True)
    elsewhere = S3Models(S3Bucket(client, bucket), "elsewhere")
    elsewhere.publish(renamed(model, "v2"))

    store.add(elsewhere.files(DEFAULT, V2))

    assert store.latest(DEFAULT) == V1
    store.files(DEFAULT, V2)


@pytest.mark.parametrize("files", [("forest.npz",), ("model.joblib",), ("forest.npz", "model.joblib")])
@pytest.mark.parametrize("data", [b"", b"something", b"x" * 100_000], ids=["empty", "short", "long"])
def test_files_without_a_manifest_are_no_version_and_give_way_to_one(
    store: S3Models,
    client: "S3Client",
    bucket: str,
    model: TrainedModel,
    *,
    files: tuple[str, ...],
    data: bytes,
) -> None:
    for file in files:
        client.put_object(Bucket=bucket, Key=f"fleet/default/v1/{file}", Body=data)
    assert store.names() == []
    with pytest.raises(UnknownModelVersion):
        store.load(DEFAULT, V1)
    with pytest.raises(UnknownModelVersion):
        store.promote(DEFAULT, V1, ADA)

    store.publish(model)

    assert store.files(DEFAULT, V1).size > 0
    assert store.load(DEFAULT, V1).content_sha256() == model.content_sha256()


def test_a_publisher_who_is_late_with_everything_changes_nothing(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel, other: TrainedModel
) -> None:
    """He saw no version, slept through another's whole publishing, and goes on."""

    class SleepyBucket(S3Bucket):
        slept = False

        def create(self, key: str, data: bytes, metadata: Mapping[str, str] = {}) -> bool:
            if "/.publications/default/" in key and not self.slept:
                self.slept = True
                store.publish(other)
            return super().create(key, data, metadata)

    late = S3Models(SleepyBucket(client, bucket), "fleet")

    with pytest.raises(VersionExists):
        late.publish(model)

    assert store.load(DEFAULT, V1).content_sha256() == other.content_sha256()
    store.files(DEFAULT, V1)
    assert not [key for key in keys(client, bucket) if "publications" in key]


def test_what_is_left_of_a_publishing_is_not_believed(
    store: S3Models, client: "S3Client", bucket: str, model: TrainedModel
) -> None:
    die(client, bucket, renamed(model, "v2"), WRITES.index("publication"), after=True)
    whole = read(client, bucket, PUBLICATION)
    publication = s3_publication.decode(whole, DEFAULT, V2)
    assert publication.files.keys() == {"forest.npz", "model.joblib", "report.json"}

    for damaged in (b"", b"\x00", whole[:-1], whole.replace(publication.files["forest.npz"][:20], b"?" * 20)):
        client.put_object(Bucket=bucket, Key=PUBLICATION, Body=damaged)
        with pytest.raises(DamagedModel):
            store.publish(renamed(model, "v2"))
        assert store.names() == []


# What S3 refuses


def test_a_store_that_lets_a_second_creation_win_is_refused(
    client: "S3Client", bucket: str, model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = client.put_object

    def without(condition: str) -> Callable[..., Any]:
        return lambda **arguments: real(**{key: arguments[key] for key in arguments if key != condition})

    for condition, told in (("IfNoneMatch", "If-None-Match"), ("IfMatch", "If-Match")):
        with monkeypatch.context() as careless:
            careless.setattr(client, "put_object", without(condition))
            store = S3Models(S3Bucket(client, bucket))
            for ask in (store.prove, lambda: store.publish(model), lambda: store.promote(DEFAULT, V1, ADA)):  # noqa: B023
                with pytest.raises(UnusableModelStore, match=rf"^.*http://127\.0\.0\.1:\d+.*{told}"):
                    ask()
    assert keys(client, bucket) == []


def test_a_bucket_that_does_not_exist_is_told(client: "S3Client") -> None:
    store = S3Models(S3Bucket(client, "no-such-bucket"))

    asks: list[Callable[[], object]] = [
        store.check,
        store.names,
        store.prove,
        lambda: store.latest(DEFAULT),
        lambda: store.load(DEFAULT, V1),
    ]
    for ask in asks:
        with pytest.raises(UnusableModelStore, match=r"no-such-bucket.*MODEL_BUCKET"):
            ask()


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("AccessDenied", 403, "s3:ListBucket"),
        ("InvalidAccessKeyId", 403, "credentials are not valid"),
        ("ExpiredToken", 400, "credentials are not valid"),
        ("PermanentRedirect", 301, "AWS_REGION"),
        ("RequestTimeTooSkewed", 403, "clock"),
        ("NotImplemented", 501, "If-None-Match"),
        ("SomethingNew", 418, "SomethingNew"),
    ],
)
def test_what_s3_refuses_is_a_store_out_of_reach_with_advice(
    client: "S3Client",
    bucket: str,
    model: TrainedModel,
    monkeypatch: pytest.MonkeyPatch,
    *,
    code: str,
    status: int,
    told: str,
) -> None:
    def refuse(**_: Any) -> Any:
        response: Any = {
            "Error": {"Code": code, "Message": "no"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        raise ClientError(response, "Anything")

    for operation in ("get_object", "put_object", "list_objects_v2", "head_object", "delete_object"):
        monkeypatch.setattr(client, operation, refuse)
    store = S3Models(S3Bucket(client, bucket))
    asks: list[Callable[[], object]] = [
        store.check,
        store.names,
        lambda: store.publish(model),
        lambda: store.latest(DEFAULT),
        lambda: store.load(DEFAULT, V1),
    ]
    for ask in asks:
        with pytest.raises(ModelStoreUnavailable, match=told):
            ask()


def test_variables_that_boto3_cannot_use_are_told(
    aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")

    with pytest.raises(UnusableModelStore, match=r"AWS_ENDPOINT_URL.*nonsense"):
        s3_client()


def test_the_region_is_that_of_aws_region(
    aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-north-1")

    assert s3_client().meta.region_name == "eu-north-1"


def test_a_bucket_is_part_of_the_path_at_any_endpoint_but_amazons(
    aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def url() -> str:
        return s3_client().generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://minio:9000")
    assert url().startswith("http://minio:9000/bucket/key")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert url().startswith("https://bucket.s3.")


def test_a_model_in_memory_serves_while_s3_is_away_and_it_is_told(
    client: "S3Client", bucket: str, model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3Models(S3Bucket(client, bucket, sleep=lambda _: None))
    cached = CachedModels(store, refresh_seconds=0, size=2)
    cached.publish(model)
    cached.load(DEFAULT, cached.latest(DEFAULT))

    def away(**_: Any) -> Any:
        raise ClientError({"Error": {}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "Any")  # type: ignore[typeddict-item]

    with monkeypatch.context() as broken:
        for operation in ("get_object", "list_objects_v2", "head_object"):
            broken.setattr(client, operation, away)
        assert cached.load(DEFAULT, cached.latest(DEFAULT)).metadata == model.metadata
        assert "s3://" in cached.degraded.told()["default"]
        with pytest.raises(ModelStoreUnavailable):
            cached.check()

    assert cached.latest(DEFAULT) == V1
    assert cached.degraded.told() == {}
    cached.check()
