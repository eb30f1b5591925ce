"""What `vehicle_anomaly.core.ports.ModelArchive` promises beyond `ModelRepository`; copying and verifying."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import ADA, NOON, a_trained_model, renamed
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.core.copy_version import CopyStep, CopyVersion, CopyVersionCommand
from vehicle_anomaly.core.errors import DamagedModel, UnknownModel, UnknownModelVersion, VersionExists
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelArchive
from vehicle_anomaly.core.verify_versions import VerifyVersions, VerifyVersionsCommand

DEFAULT = ModelName("default")
V1, V2 = ModelVersion("v1"), ModelVersion("v2")

STORES: dict[str, Callable[[Path, Callable[[], str]], ModelArchive]] = {
    "filesystem": lambda folder, _: FilesystemModels(folder),
    "s3": lambda _, new_bucket: S3Models(S3Bucket(s3_client(), new_bucket())),
}


@pytest.fixture(params=STORES)
def models(request: pytest.FixtureRequest, tmp_path: Path, new_bucket: Callable[[], str]) -> ModelArchive:
    return STORES[request.param](tmp_path / "models", new_bucket)


@pytest.fixture(params=STORES)
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path, new_bucket: Callable[[], str]) -> ModelArchive:
    return STORES[request.param](tmp_path / "elsewhere", new_bucket)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return a_trained_model("v1")


@pytest.fixture(scope="module")
def other() -> TrainedModel:
    return a_trained_model("v1", seed=1)


def test_the_files_of_a_version_are_those_that_its_manifest_lists(
    models: ModelArchive, model: TrainedModel
) -> None:
    models.publish(model)

    files = models.files(DEFAULT, V1)

    assert (files.model_name, files.model_version) == (DEFAULT, V1)
    listed = json.loads(files.manifest)["files"]
    assert list(files.files) == ["forest.npz", "model.joblib", "report.json"]
    assert {name: hashlib.sha256(data).hexdigest() for name, data in files.files.items()} == {
        name: entry["sha256"] for name, entry in listed.items()
    }
    assert files.size == len(files.manifest) + sum(entry["size"] for entry in listed.values())


def test_of_a_version_that_is_not_there_there_are_no_files(models: ModelArchive, model: TrainedModel) -> None:
    with pytest.raises(UnknownModelVersion):
        models.files(DEFAULT, V1)
    models.publish(model)
    with pytest.raises(UnknownModelVersion):
        models.files(DEFAULT, V2)


def test_a_version_that_is_added_is_the_same_bit_by_bit_and_not_the_latest(
    models: ModelArchive, elsewhere: ModelArchive, model: TrainedModel, other: TrainedModel
) -> None:
    models.publish(model)
    elsewhere.publish(renamed(other, "v2"))
    files = models.files(DEFAULT, V1)

    elsewhere.add(files)

    assert elsewhere.files(DEFAULT, V1) == files
    assert elsewhere.load(DEFAULT, V1).content_sha256() == model.content_sha256()
    assert elsewhere.latest(DEFAULT) == V2


def test_the_first_version_that_is_added_is_not_the_latest_either(
    models: ModelArchive, elsewhere: ModelArchive, model: TrainedModel
) -> None:
    models.publish(model)

    elsewhere.add(models.files(DEFAULT, V1))

    with pytest.raises(UnknownModel):
        elsewhere.latest(DEFAULT)
    assert elsewhere.versions(DEFAULT).latest is None
    assert elsewhere.names() == [DEFAULT]


def test_adding_the_same_content_again_rewrites_nothing(
    models: ModelArchive, elsewhere: ModelArchive, model: TrainedModel
) -> None:
    later = renamed(model, "v1", trained_at=NOON.replace(hour=13))
    models.publish(later)
    elsewhere.publish(model)
    before = elsewhere.files(DEFAULT, V1)

    elsewhere.add(models.files(DEFAULT, V1))

    assert elsewhere.files(DEFAULT, V1) == before


def test_adding_other_content_is_refused(
    models: ModelArchive, elsewhere: ModelArchive, model: TrainedModel, other: TrainedModel
) -> None:
    models.publish(model)
    elsewhere.publish(other)

    with pytest.raises(VersionExists):
        elsewhere.add(models.files(DEFAULT, V1))

    assert elsewhere.load(DEFAULT, V1).content_sha256() == other.content_sha256()


@pytest.mark.parametrize("file", ["forest.npz", "model.joblib", "manifest.json"])
def test_files_that_are_not_what_was_published_are_not_added(
    models: ModelArchive, elsewhere: ModelArchive, model: TrainedModel, file: str
) -> None:
    models.publish(model)
    files = models.files(DEFAULT, V1)
    if file == "manifest.json":
        damaged = replace(files, manifest=files.manifest.replace(b'"size": ', b'"size": 1', 1))
    else:
        damaged = replace(files, files={**files.files, file: files.files[file] + b"\0"})

    with pytest.raises(DamagedModel):
        elsewhere.add(damaged)

    assert elsewhere.names() == []


@pytest.mark.parametrize("name", ["../evil", "other.bin"])
def test_files_that_no_version_has_are_not_added(
    models: ModelArchive, elsewhere: ModelArchive, model: TrainedModel, name: str
) -> None:
    models.publish(model)
    files = models.files(DEFAULT, V1)

    for files_of_no_version in ({**files.files, name: b""}, {"forest.npz": files.files["forest.npz"]}):
        with pytest.raises(DamagedModel):
            elsewhere.add(replace(files, files=files_of_no_version))
    manifest = files.manifest.replace(b'"model.joblib"', f'"{name}"'.encode())
    renamed_file = {"forest.npz": files.files["forest.npz"], name: files.files["model.joblib"]}
    with pytest.raises(DamagedModel):
        elsewhere.add(replace(files, manifest=manifest, files=renamed_file))

    assert elsewhere.names() == []


def test_copying_promotes_when_it_is_told_to(
    models: ModelArchive, elsewhere: ModelArchive, model: TrainedModel, other: TrainedModel
) -> None:
    models.publish(model)
    elsewhere.publish(renamed(other, "v2"))
    steps: list[CopyStep] = []
    copy = CopyVersion(models, elsewhere)

    copied = copy(CopyVersionCommand(DEFAULT, V1), steps.append)
    assert steps == [CopyStep.READING, CopyStep.WRITING, CopyStep.CHECKING]
    assert copied == models.files(DEFAULT, V1)
    assert elsewhere.latest(DEFAULT) == V2

    steps.clear()
    copy(CopyVersionCommand(DEFAULT, V1, ADA), steps.append)
    assert steps == [*CopyStep]
    assert elsewhere.latest(DEFAULT) == V1


def test_verifying_reads_every_version(models: ModelArchive, model: TrainedModel) -> None:
    models.publish(model)
    models.publish(renamed(model, "v2", trained_at=NOON.replace(hour=13)))
    told: list[tuple[int, int]] = []
    verify = VerifyVersions(models)

    found = verify(VerifyVersionsCommand(DEFAULT), lambda done, total: told.append((done, total)))

    assert [(each.model_version, each.damage) for each in found] == [("v2", None), ("v1", None)]
    assert [each.size for each in found] == [models.files(DEFAULT, each).size for each in (V2, V1)]
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert [each.model_version for each in verify(VerifyVersionsCommand(DEFAULT, V1))] == ["v1"]
    with pytest.raises(UnknownModelVersion):
        verify(VerifyVersionsCommand(DEFAULT, ModelVersion("v3")))
    with pytest.raises(UnknownModel):
        verify(VerifyVersionsCommand(ModelName("other")))
