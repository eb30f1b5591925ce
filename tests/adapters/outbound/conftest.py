"""A store in a folder of its own."""

from pathlib import Path

import pytest

from tests.fakes import a_trained_model
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.model import TrainedModel


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
def store(root: Path) -> FilesystemModels:
    return FilesystemModels(root)


@pytest.fixture
def folder(root: Path) -> Path:
    """Folder of the model `default`."""
    return root / "default"


@pytest.fixture(scope="session")
def model() -> TrainedModel:
    return a_trained_model("v1")


@pytest.fixture(scope="session")
def other() -> TrainedModel:
    return a_trained_model("v1", seed=1)
