"""Several services on one folder: one wins a version, and all see what any of them publishes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import numpy as np

from tests.service_process import service_process

N_SERVICES = 4
N_PUBLISHERS = 16
N_ROUNDS = 100
FEW_TREES = {"N_ESTIMATORS": "3"}


def _batch(version: str, seed: int) -> dict[str, Any]:
    rows = np.random.default_rng(seed).normal(size=(12, 2)).tolist()
    records = [
        {"vehicle_id": "veh-1", "timestamp": "2026-11-22T10:00:00Z", "feature_vector": row} for row in rows
    ]
    return {"records": records, "model_version": version}


def test_one_of_sixteen_wins_a_version_in_each_of_a_hundred_rounds(tmp_path: Path) -> None:
    with ExitStack() as stack:
        urls = [stack.enter_context(service_process(tmp_path, **FEW_TREES)) for _ in range(N_SERVICES)]
        clients = [
            stack.enter_context(httpx.Client(base_url=urls[publisher % N_SERVICES], timeout=60))
            for publisher in range(N_PUBLISHERS)
        ]
        publishers = stack.enter_context(ThreadPoolExecutor(N_PUBLISHERS))
        for number in range(N_ROUNDS):
            version = f"v{number}"
            answers = list(
                publishers.map(
                    lambda publisher, version=version: clients[publisher].post(
                        "/ingest", json=_batch(version, publisher)
                    ),
                    range(N_PUBLISHERS),
                )
            )
            assert sorted(answer.status_code for answer in answers) == [201, *[409] * (N_PUBLISHERS - 1)]
            reading = {
                "vehicle_id": "veh-1",
                "timestamp": "2026-11-22T10:00:00Z",
                "feature_vector": [0.0, 0.0],
                "model_version": version,
            }
            scores = {clients[service].post("/score", json=reading).text for service in range(N_SERVICES)}
            assert len(scores) == 1, "the services do not serve the same model"
        listed = clients[0].get("/models/default").json()
        assert sorted(item["model_version"] for item in listed["versions"]) == sorted(
            f"v{number}" for number in range(N_ROUNDS)
        )
        assert listed["damaged"] == []


def test_a_service_sees_what_another_published_within_the_refresh_time(tmp_path: Path) -> None:
    refresh_seconds = 0.5
    with ExitStack() as stack:
        trainer, scorer = (
            stack.enter_context(
                httpx.Client(
                    base_url=stack.enter_context(
                        service_process(tmp_path, MODEL_REFRESH_SECONDS=str(refresh_seconds), **FEW_TREES)
                    )
                )
            )
            for _ in range(2)
        )
        reading = {
            "vehicle_id": "veh-1",
            "timestamp": "2026-11-22T10:00:00Z",
            "feature_vector": [0.0, 0.0],
        }
        for version in ("v1", "v2", "v3"):
            assert trainer.post("/ingest", json=_batch(version, 0)).status_code == 201
            published = monotonic()
            answered = ""
            while answered != version:
                asked = monotonic()
                answered = scorer.post("/score", json=reading).json()["model_version"]
                assert answered == version or asked - published <= refresh_seconds
