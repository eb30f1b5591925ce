"""A running service to call, and what is asked of every answer."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
from dependency_injector import providers
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes import a_batch
from tests.http_service import host_and_port, serving
from vehicle_anomaly.adapters.inbound.wire.problems import TYPE_PREFIX, Problem
from vehicle_anomaly.container import Container, describe_connections
from vehicle_anomaly.core.model import ModelVersion
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.train_model import TrainModelCommand
from vehicle_anomaly.settings import FilesystemStore, Settings

Json = dict[str, Any]

NAMES = ("engine_speed_rpm", "vehicle_speed_kmh", "coolant_temperature_celsius")
READING: Json = {
    "vehicle_id": "veh-017",
    "timestamp": "2026-11-22T10:00:00Z",
    "feature_vector": [0.1, -0.2, 0.3],
}
BATCH: Json = {"records": [{**READING, "feature_vector": [i / 7, i % 3, -i]} for i in range(20)]}


@dataclass(frozen=True, slots=True)
class Service:
    """A service that has version `v1` of model `default`, on three named features.

    Attributes:
        url: Where it listens.
        client: Calls it.
        container: What it is made of.
        store: Folder of its models.
    """

    url: str
    client: httpx.Client
    container: Container
    store: Path

    def post(self, path: str, content: bytes, **headers: str) -> httpx.Response:
        """Send bytes, as JSON unless a header says otherwise; `_` in a header's name stands for `-`."""
        sent = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self.client.post(path, content=content, headers=sent)

    def exchange(self, request: bytes) -> bytes:
        """Send raw bytes and return all that comes back before the service hangs up."""
        with socket.create_connection(host_and_port(self.url), 30) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def files(self) -> dict[str, bytes]:
        """Return what the store holds, byte for byte."""
        found = sorted(self.store.rglob("*"))
        return {str(path.relative_to(self.store)): path.read_bytes() for path in found if path.is_file()}

    def still_scores(self) -> bool:
        """Tell whether an ordinary reading is scored."""
        return self.client.post("/score", json=READING).status_code == 200


@contextmanager
def running(store: Path, models: ModelRepository | None = None, **settings: Any) -> Iterator[Service]:
    """Run a service while the block runs.

    Args:
        store: Folder for its models.
        models: What keeps them instead of that folder.
        settings: What differs from the defaults.
    """
    chosen: Json = {"n_estimators": 10, **settings}
    container = Container(settings=Settings(model_store=FilesystemStore(store), **chosen))
    if models is not None:
        container.model_store.override(providers.Object(models))
    container.train_model()(TrainModelCommand(a_batch(feature_names=NAMES), model_version=ModelVersion("v1")))
    with (
        serving(
            container.http_app(),
            describe_connections(container.settings()),
            container.request_metrics().count_refused,
        ) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        yield Service(url, client, container, store)


def problem_in(response: httpx.Response) -> Problem:
    """Return the problem that a response tells, which must be a whole one."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    told = msgspec.json.decode(response.content, type=Problem)
    assert told.status == response.status_code
    assert told.type.startswith(TYPE_PREFIX)
    assert told.title
    assert told.detail
    assert "\n" not in told.detail
    return told


def reading(**fields: Any) -> bytes:
    """Write a reading as JSON, with other or further fields."""
    return json.dumps({**READING, **fields}).encode()


def answers(service: Service, route: str) -> dict[str, float]:
    """Count the answers of a route, by status."""
    return counted_answers(service.client.get("/metrics").text, route)


def counted_answers(metrics: str, route: str) -> dict[str, float]:
    """Read from metrics how often a route was answered, by status."""
    families = text_string_to_metric_families(metrics)
    samples = (sample for family in families for sample in family.samples)
    return {
        sample.labels["http_response_status_code"]: sample.value
        for sample in samples
        if sample.name.endswith("_count") and sample.labels.get("http_route") == route
    }
