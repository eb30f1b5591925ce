"""Queues of their own, and workers on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dependency_injector import providers

from tests.fakes import InMemoryModels
from tests.queues import Queues, make_queues
from vehicle_anomaly.container import Container
from vehicle_anomaly.settings import FilesystemStore, Settings

RECORDS = [
    {
        "vehicle_id": f"veh-{position % 3}",
        "timestamp": f"2026-11-22T10:00:{position:02}Z",
        "feature_vector": [800.0 + 11 * position, 0.5 * position, 88.0 + position % 5],
    }
    for position in range(40)
]

INGEST = {"type": "ingest", "records": RECORDS, "model_version": "v1"}
SCORE = {"type": "score", **RECORDS[7]}
SCORE_BATCH = {"type": "score_batch", "records": RECORDS[:5]}

Assemble = Callable[..., Container]


@pytest.fixture
def queues(aws_environment: dict[str, str]) -> Queues:
    """Return three empty queues."""
    return make_queues()


@pytest.fixture
def fifo(aws_environment: dict[str, str]) -> Queues:
    """Return three empty queues that keep the order of groups."""
    return make_queues(fifo=True)


@pytest.fixture
def bucket(new_bucket: Callable[[], str]) -> str:
    """Return the name of an empty bucket."""
    return new_bucket()


@pytest.fixture
def assemble(tmp_path: Path) -> Assemble:
    """Return what makes a container whose worker is quick to retry and to stop."""

    def make(queues: Queues, **more: Any) -> Container:
        settings = Settings(
            model_store=FilesystemStore(tmp_path),
            n_estimators=10,
            model_refresh_seconds=0.0,
            request_queue_url=queues.requests,
            result_queue_url=queues.results,
            worker_drain_seconds=2,
            worker_retry_seconds=0.0,
        )
        container = Container(settings=msgspec.structs.replace(settings, **more))
        container.model_store.override(providers.Singleton(InMemoryModels))
        return container

    return make
