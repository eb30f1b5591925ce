"""Versions that are signed, and those that are not: the same on every store that keeps files."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fakes import ADA, a_trained_model, renamed
from vehicle_anomaly.adapters.outbound import model_codec
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.model_cache import CachedModels
from vehicle_anomaly.adapters.outbound.model_codec import Manifest
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.adapters.outbound.signatures import Signatures
from vehicle_anomaly.core.copy_version import CopyVersion, CopyVersionCommand
from vehicle_anomaly.core.errors import DamagedModel, UntrustedModel, VersionExists
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelArchive, VersionFiles
from vehicle_anomaly.core.verify_versions import VerifyVersions, VerifyVersionsCommand

DEFAULT = ModelName("default")
V1, V2 = ModelVersion("v1"), ModelVersion("v2")
KEY, OTHER = b"0123456789abcdef" * 2, b"fedcba9876543210" * 2
NOT_SIGNED = "manifest.json is not signed"
FOREIGN = "manifest.json is signed by none of the keys that are accepted"

Opened = Callable[..., ModelArchive]
"""Opens the same store, each time with the keys that are given."""


def _filesystem(folder: Path, _: Callable[[], str]) -> Opened:
    return lambda *keys: FilesystemModels(folder, Signatures(keys))


def _s3(_: Path, new_bucket: Callable[[], str]) -> Opened:
    bucket = S3Bucket(s3_client(), new_bucket())
    return lambda *keys: S3Models(bucket, "fleet", Signatures(keys))


STORES = {"filesystem": _filesystem, "s3": _s3}


@pytest.fixture(params=STORES)
def opened(request: pytest.FixtureRequest, tmp_path: Path, new_bucket: Callable[[], str]) -> Opened:
    return STORES[request.param](tmp_path / "models", new_bucket)


@pytest.fixture(params=STORES)
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path, new_bucket: Callable[[], str]) -> Opened:
    return STORES[request.param](tmp_path / "elsewhere", new_bucket)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return a_trained_model("v1")


READ: dict[str, Callable[[ModelArchive], Any]] = {
    "load": lambda models: models.load(DEFAULT, V1),
    "metadata": lambda models: models.metadata(DEFAULT, V1),
    "report": lambda models: models.report(DEFAULT, V1),
    "files": lambda models: models.files(DEFAULT, V1),
    "promote": lambda models: models.promote(DEFAULT, V1, ADA),
}


@pytest.mark.parametrize("keys", [(KEY,), (KEY, OTHER), (OTHER, KEY), ()])
def test_a_signed_version_is_taken_by_who_accepts_the_key_and_by_who_asks_for_none(
    opened: Opened, model: TrainedModel, keys: tuple[bytes, ...]
) -> None:
    opened(KEY).publish(model)
    models = opened(*keys)
    for read in READ.values():
        read(models)
    assert models.load(DEFAULT, V1).content_sha256() == model.content_sha256()
    assert models.versions(DEFAULT).damaged == ()


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize(
    ("signed_with", "reason"), [((), NOT_SIGNED), ((OTHER,), FOREIGN), ((OTHER, KEY), FOREIGN)]
)
def test_any_other_is_refused_by_name(
    opened: Opened, model: TrainedModel, signed_with: tuple[bytes, ...], reason: str, read: str
) -> None:
    opened(*signed_with).publish(model)
    with pytest.raises(UntrustedModel) as refused:
        READ[read](opened(KEY))
    assert str(refused.value) == f"version 'v1' of model 'default' is not trusted: {reason}"
    listed = opened(KEY).versions(DEFAULT)
    assert (listed.latest, listed.versions) == (None, ())
    assert [(each.model_version, each.reason) for each in listed.damaged] == [("v1", reason)]


def test_publishing_the_same_again_does_not_sign_what_was_not_signed(
    opened: Opened, model: TrainedModel
) -> None:
    opened().publish(model)
    before = opened().files(DEFAULT, V1)
    with pytest.raises(UntrustedModel):
        opened(KEY).publish(model)
    with pytest.raises((UntrustedModel, VersionExists)):
        opened(KEY).publish(a_trained_model("v1", seed=1))
    assert opened().files(DEFAULT, V1) == before


def test_publishing_the_same_again_after_the_key_was_changed(opened: Opened, model: TrainedModel) -> None:
    opened(KEY).publish(model)
    before = opened(KEY).files(DEFAULT, V1)
    assert opened(OTHER, KEY).publish(model) == model.metadata
    assert opened(KEY).files(DEFAULT, V1) == before


def _forged(files: VersionFiles, **changed: Any) -> VersionFiles:
    """Change a manifest, and give it the hash that it then must have."""
    manifest = msgspec.json.decode(files.manifest, type=Manifest)
    forged = msgspec.structs.replace(manifest, **changed).sealed()
    return replace(files, manifest=model_codec.encode_manifest(forged))


def test_who_can_write_but_has_no_key_changes_nothing(
    opened: Opened, elsewhere: Opened, model: TrainedModel
) -> None:
    opened(KEY).publish(model)
    signed = opened(KEY).files(DEFAULT, V1)
    manifest = msgspec.json.decode(signed.manifest, type=Manifest)
    opened(KEY).publish(renamed(model, "v2"))
    of_another = msgspec.json.decode(opened(KEY).files(DEFAULT, V2).manifest, type=Manifest).signature
    evil = a_trained_model("v1", seed=1)
    elsewhere().publish(evil)
    evil_files = elsewhere().files(DEFAULT, V1)
    forgeries = {
        "without its signature": _forged(signed, signature=msgspec.UNSET),
        "the signature of another version": _forged(signed, signature=of_another),
        "a signature made up": _forged(signed, signature="0" * 64),
        "other metadata": _forged(
            signed, metadata=msgspec.structs.replace(manifest.metadata, record_count=1)
        ),
        "other content under the old signature": _forged(evil_files, signature=manifest.signature),
        "signed with another key": _forged(
            signed, signature=hashlib.sha256(OTHER + manifest.to_sign()).hexdigest()
        ),
    }
    for files in forgeries.values():
        with pytest.raises(UntrustedModel):
            elsewhere(KEY).add(files)
    with pytest.raises(UntrustedModel):
        elsewhere(KEY).load(DEFAULT, V1)


def test_a_signed_version_is_copied_with_its_signature(
    opened: Opened, elsewhere: Opened, model: TrainedModel
) -> None:
    opened(KEY).publish(model)
    CopyVersion(opened(KEY), elsewhere(OTHER, KEY))(CopyVersionCommand(DEFAULT, V1, ADA))
    assert elsewhere(KEY).files(DEFAULT, V1) == opened(KEY).files(DEFAULT, V1)


def test_a_version_that_is_not_trusted_is_not_copied(
    opened: Opened, elsewhere: Opened, model: TrainedModel
) -> None:
    opened().publish(model)
    for source, destination in ((opened(KEY), elsewhere(KEY)), (opened(), elsewhere(KEY))):
        with pytest.raises(UntrustedModel):
            CopyVersion(source, destination)(CopyVersionCommand(DEFAULT, V1))
    assert elsewhere(KEY).names() == []


@pytest.mark.parametrize("signed_with", [(), (OTHER,)])
def test_who_has_the_key_may_sign_a_copy(
    opened: Opened, elsewhere: Opened, model: TrainedModel, signed_with: tuple[bytes, ...]
) -> None:
    opened(*signed_with).publish(model)
    CopyVersion(opened(), elsewhere(KEY))(CopyVersionCommand(DEFAULT, V1, ADA, sign=True))
    copied, source = elsewhere(KEY).files(DEFAULT, V1), opened(*signed_with).files(DEFAULT, V1)
    assert elsewhere(KEY).load(DEFAULT, V1).content_sha256() == model.content_sha256()
    assert elsewhere(KEY).latest(DEFAULT) == V1
    assert copied.files == source.files
    assert _without_signature(copied) == _without_signature(source)
    # Signing it again rewrites nothing.
    CopyVersion(opened(), elsewhere(KEY))(CopyVersionCommand(DEFAULT, V1, sign=True))
    assert elsewhere(KEY).files(DEFAULT, V1) == copied


def test_a_version_is_not_signed_where_it_lies(opened: Opened, model: TrainedModel) -> None:
    opened().publish(model)
    before = opened().files(DEFAULT, V1)
    with pytest.raises(UntrustedModel):
        CopyVersion(opened(), opened(KEY))(CopyVersionCommand(DEFAULT, V1, sign=True))
    assert opened().files(DEFAULT, V1) == before


def test_what_is_damaged_is_not_signed(opened: Opened, elsewhere: Opened, model: TrainedModel) -> None:
    opened().publish(model)
    files = opened().files(DEFAULT, V1)
    spoilt = {**files.files, "forest.npz": files.files["forest.npz"][:-1]}
    with pytest.raises(DamagedModel):
        elsewhere(KEY).add(replace(files, files=spoilt), sign=True)
    assert elsewhere(KEY).names() == []


def _without_signature(files: VersionFiles) -> bytes:
    return msgspec.json.decode(files.manifest, type=Manifest).to_sign()


def test_verifying_tells_what_is_not_signed(opened: Opened, model: TrainedModel) -> None:
    opened().publish(model)
    opened(KEY).publish(renamed(model, "v2"))
    found = VerifyVersions(opened(KEY))(VerifyVersionsCommand(DEFAULT))
    assert {each.model_version: each.damage for each in found} == {"v1": NOT_SIGNED, "v2": None}


def test_the_last_version_that_was_trusted_keeps_answering(opened: Opened, model: TrainedModel) -> None:
    opened(KEY).publish(model)
    cached = CachedModels(opened(KEY), refresh_seconds=0, size=4)
    assert cached.load(DEFAULT, cached.latest(DEFAULT)).metadata.model_version == V1
    opened().publish(renamed(model, "v2"))
    assert cached.latest(DEFAULT) == V1
    assert NOT_SIGNED in cached.degraded.told()["default"]


def test_without_a_key_manifests_are_what_they_always_were(opened: Opened, model: TrainedModel) -> None:
    opened().publish(model)
    manifest = json.loads(opened().files(DEFAULT, V1).manifest)
    assert "signature" not in manifest


def test_a_signature_that_is_none_is_damage(opened: Opened, model: TrainedModel) -> None:
    opened(KEY).publish(model)
    files = opened(KEY).files(DEFAULT, V1)
    manifest = json.loads(files.manifest)
    manifest["signature"] = manifest["signature"].upper()
    with pytest.raises(DamagedModel, match="not readable"):
        opened().add(replace(files, manifest=json.dumps(manifest).encode()))
