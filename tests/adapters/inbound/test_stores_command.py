"""`models copy` and `models verify`, as they are run."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.fakes import a_trained_model, renamed
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.core.errors import UnknownModel
from vehicle_anomaly.core.model import ModelName, ModelVersion

DEFAULT, V1 = ModelName("default"), ModelVersion("v1")


def run(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vehicle_anomaly", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environ or {})},
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store of two versions in it."""
    store = FilesystemModels(tmp_path / "artifacts")
    model = a_trained_model("v1", n_estimators=2)
    store.publish(model)
    store.publish(renamed(model, "v2"))
    return tmp_path / "artifacts"


def test_a_version_is_copied_into_a_bucket_and_back_bit_by_bit(
    folder: Path, tmp_path: Path, new_bucket: Callable[[], str]
) -> None:
    bucket = new_bucket()
    in_bucket = S3Models(S3Bucket(s3_client(), bucket), "fleet/models")

    copied = run("models", "copy", f"file:{folder}", f"s3://{bucket}/fleet/models/", "default", "v1")

    assert (copied.returncode, copied.stderr) == (0, "")
    assert copied.stdout.startswith(f"default: version v1 is in s3://{bucket}/fleet/models/")
    with pytest.raises(UnknownModel):
        in_bucket.latest(DEFAULT)

    arguments = (f"s3://{bucket}/fleet/models", f"file:{tmp_path / 'back'}", "default", "v1")
    copied = run("models", "copy", *arguments, "--promote", "--json")

    assert copied.returncode == 0, copied.stderr
    assert json.loads(copied.stdout)["promoted"] is True
    assert FilesystemModels(tmp_path / "back").latest(DEFAULT) == V1
    for file in ("forest.npz", "model.joblib", "manifest.json"):
        there = tmp_path / "back/default/v1" / file
        assert there.read_bytes() == (folder / "default/v1" / file).read_bytes()
    verified = run("models", "verify", f"s3://{bucket}/fleet/models", "default", "--json")
    assert verified.returncode == 0, verified.stderr
    assert [(each["model_version"], each["state"]) for each in json.loads(verified.stdout)["versions"]] == [
        ("v1", "whole")
    ]


def test_versions_of_before_the_key_are_signed_by_copying_them(folder: Path, tmp_path: Path) -> None:
    environ = {"MODEL_SIGNING_KEY": "0123456789abcdef" * 2}
    arguments = ("models", "copy", f"file:{folder}", f"file:{tmp_path / 'signed'}", "default", "v1")

    refused = run(*arguments, environ=environ)
    keyless = run(*arguments, "--sign")
    copied = run(*arguments, "--sign", "--promote", "--json", environ=environ)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "manifest.json is not signed" in refused.stderr
    assert (keyless.returncode, keyless.stdout) == (2, "")
    assert "MODEL_SIGNING_KEY is not set" in keyless.stderr
    assert copied.returncode == 0, copied.stderr
    assert json.loads(copied.stdout)["signed"] is True
    verified = run("models", "verify", f"file:{tmp_path / 'signed'}", "default", environ=environ)
    assert verified.returncode == 0, verified.stderr
    manifests = [
        json.loads((of / "default/v1/manifest.json").read_bytes()) for of in (folder, tmp_path / "signed")
    ]
    assert ["signature" in each for each in manifests] == [False, True]


def test_copying_refuses_other_content_and_says_so_in_one_line(folder: Path, tmp_path: Path) -> None:
    FilesystemModels(tmp_path / "other").publish(a_trained_model("v1", seed=1))

    copied = run("models", "copy", f"file:{folder}", f"file:{tmp_path / 'other'}", "default", "v1")

    assert (copied.returncode, copied.stdout) == (1, "")
    assert "exists already with other content" in copied.stderr
    assert copied.stderr.count("\n") == 1


@pytest.mark.parametrize("file", ["forest.npz", "model.joblib", "manifest.json"])
def test_a_damaged_version_is_found_and_not_copied(folder: Path, tmp_path: Path, file: str) -> None:
    damaged = folder / "default/v1" / file
    damaged.write_bytes(damaged.read_bytes()[:-2])

    verified = run("models", "verify", f"file:{folder}", "default")

    assert verified.returncode == 1
    rows = [line.split("\t") for line in verified.stdout.splitlines()[1:]]
    assert {row[0]: row[1] for row in rows} == {"v2": "whole", "v1": "damaged"}
    assert "1 of 2" in verified.stderr
    copied = run("models", "copy", f"file:{folder}", f"file:{tmp_path / 'other'}", "default", "v1")
    assert copied.returncode == 1
    assert "damaged" in copied.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "address", ["artifacts", "file:", "s3:bucket", "s3://", "s3://b", "s3://bucket/a//b"]
)
def test_an_address_that_names_no_store_is_wrong_use(folder: Path, address: str) -> None:
    for arguments in (("copy", f"file:{folder}", address, "default", "v1"), ("verify", address, "default")):
        done = run("models", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "expected" in done.stderr
        assert done.stderr.count("\n") == 1


def test_serving_from_a_bucket_that_does_not_exist_ends_at_once_with_one_line(
    aws_environment: dict[str, str],
) -> None:
    done = run("serve", environ={"MODEL_STORE": "s3", "MODEL_BUCKET": "no-such-bucket", "PORT": "0"})

    assert (done.returncode, done.stdout) == (1, "")
    assert "MODEL_BUCKET" in done.stderr
    assert aws_environment["AWS_ENDPOINT_URL"] in done.stderr
    assert done.stderr.count("\n") == 1
