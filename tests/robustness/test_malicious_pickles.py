"""A pickle that runs code when it is loaded, in the place of every file of a version: it never is."""

import hashlib
import io
import json
import os
import pickle
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

from tests.adapters.inbound.http.service import BATCH, READING, Service, running
from tests.http_service import serving
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.model_codec import Manifest, encode_manifest
from vehicle_anomaly.container import Container
from vehicle_anomaly.core.copy_version import CopyVersion, CopyVersionCommand
from vehicle_anomaly.core.errors import DamagedModel, Refusal
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.verify_versions import VerifyVersions, VerifyVersionsCommand
from vehicle_anomaly.settings import FilesystemStore, Settings

DEFAULT, V1 = ModelName("default"), ModelVersion("v1")
FILES = ("forest.npz", "guards.npz", "model.joblib", "report.json", "sample.npz", "manifest.json", "LATEST")


class _Executes:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self._folder),)


def _plain(executes: _Executes) -> bytes:
    return pickle.dumps(executes)


def _protocol_0(executes: _Executes) -> bytes:
    return pickle.dumps(executes, protocol=0)


def _compressed(executes: _Executes) -> bytes:
    return zlib.compress(pickle.dumps(executes))  # as joblib does


def _array(executes: _Executes) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([executes], object), allow_pickle=True)
    return file.getvalue()


def _archive(executes: _Executes) -> bytes:
    file = io.BytesIO()
    objects = np.array([executes], object)
    names = ("feature", "left", "right", "threshold", "path_length", "tree_start", "offset", "medians")
    np.savez(file, allow_pickle=True, **dict.fromkeys(names, objects))
    return file.getvalue()


PICKLES = (_plain, _protocol_0, _compressed, _array, _archive)


def _vouched_for(folder: Path, file: str, data: bytes) -> None:
    """Put bytes in the place of a file, and have the manifest say that they are what was published."""
    path = folder / "LATEST" if file == "LATEST" else folder / "v1" / file
    path.write_bytes(data)
    if file in ("LATEST", "manifest.json"):
        return
    told = json.loads((folder / "v1" / "manifest.json").read_bytes())
    told["files"][file] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    sealed = encode_manifest(msgspec.convert(told, Manifest).sealed())
    (folder / "v1" / "manifest.json").write_bytes(sealed)


def _refused(call: Callable[[], Any]) -> None:
    """Call, whether or not it is refused."""
    try:
        call()
    except (DamagedModel, Refusal):
        return


@contextmanager
def _started(store: Path) -> Iterator[Service]:
    """Serve what a store holds, with nothing trained before."""
    container = Container(settings=Settings(model_store=FilesystemStore(store), n_estimators=5))
    with (
        serving(container.http_app()) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        yield Service(url, client, container, store)


def _everything_asked(service: Service, elsewhere: Path) -> None:
    version = "/models/default/versions/v1"
    paths = ("/models", "/models/default", version, f"{version}/report", f"{version}/compare?with=v1")
    for path in (*paths, "/models/default/promotions", "/health/ready"):
        service.client.get(path)
    service.client.post("/score", json=READING)
    service.client.post("/score", json={**READING, "model_version": "v1"})
    service.client.put("/models/default/latest", json={"model_version": "v1"})
    service.client.post("/ingest", json={**BATCH, "model_version": "v2"})
    store = FilesystemModels(service.store)
    _refused(lambda: VerifyVersions(store)(VerifyVersionsCommand(DEFAULT)))
    copy = CopyVersion(store, FilesystemModels(elsewhere))
    _refused(lambda: copy(CopyVersionCommand(DEFAULT, V1)))


def test_the_pickles_would_run(tmp_path: Path) -> None:
    for make in (_plain, _protocol_0):
        pickle.loads(make(_Executes(tmp_path / make.__name__)))
        assert (tmp_path / make.__name__).is_dir()


@pytest.mark.parametrize("file", FILES)
def test_it_is_never_executed(tmp_path: Path, file: str) -> None:
    executed, store = tmp_path / "executed", tmp_path / "models"
    with running(store) as service:
        assert service.still_scores()
    for number, make in enumerate(PICKLES):
        _vouched_for(store / "default", file, make(_Executes(executed)))
        # A service that has nothing in memory, so that it has to read.
        with _started(store) as service:
            _everything_asked(service, tmp_path / f"elsewhere-{number}")
        assert not executed.exists(), make.__name__
