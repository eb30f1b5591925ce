"""Real processes on one store, for the tests of races and crashes.

A program of its own: it forks, which a test run with its threads had better not.
"""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

from tests.fakes import a_trained_model, renamed
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.model_cache import CachedModels
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.core.errors import VersionExists
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelRepository

WON, REFUSED = "won", "refused"


def small_models(n_models: int) -> list[TrainedModel]:
    """Return models of one tree, each of other content, without the estimator, which takes time to write."""
    trained = (a_trained_model("v", n_estimators=1, seed=seed) for seed in range(n_models))
    return [replace(model, estimator=None) for model in trained]


def content_of(model: TrainedModel) -> float:
    """Return a number that differs from one of the small models to the next."""
    return float(model.medians[0])


def open_store(address: str) -> ModelRepository:
    """Return the store in a folder, or at `s3://bucket` as the environment has boto3 find it."""
    if address.startswith("s3://"):
        return S3Models(S3Bucket(s3_client(), address.removeprefix("s3://")))
    return FilesystemModels(Path(address))


def race(root: str, n_processes: str, n_rounds: str) -> None:
    """Let processes publish one version a round, all at once, and print who won and what was seen after."""
    forking = multiprocessing.get_context("fork")
    models = small_models(int(n_processes))
    together = forking.Barrier(len(models))
    results: Any = forking.SimpleQueue()

    def publish(process: int) -> None:
        store = open_store(root)
        outcomes = []
        try:
            for number in range(int(n_rounds)):
                version = ModelVersion(f"round-{number}")
                together.wait(60)
                try:
                    store.publish(renamed(models[process], version.value))
                    outcome = WON
                except VersionExists:
                    outcome = REFUSED
                together.wait(60)
                latest = store.latest(DEFAULT_MODEL_NAME)
                content = content_of(store.load(DEFAULT_MODEL_NAME, latest))
                outcomes.append((outcome, latest.value, content))
        except (BrokenBarrierError, Exception) as error:  # noqa: BLE001  # the test shows it
            together.abort()
            outcomes.append((repr(error), "", 0.0))
        results.put((process, outcomes))

    publishers = [forking.Process(target=publish, args=(process,)) for process in range(len(models))]
    for publisher in publishers:
        publisher.start()
    by_process = dict(results.get() for _ in publishers)
    for publisher in publishers:
        publisher.join()
    contents = [content_of(model) for model in models]
    outcomes = [by_process[process] for process in sorted(by_process)]
    print(json.dumps({"contents": contents, "outcomes": outcomes}))  # noqa: T201


def publish_without_end(root: str) -> None:
    """For each line, the name of a model, fork a publisher without end; tell its id, its deeds, its end."""
    models = small_models(4)
    for number, line in enumerate(sys.stdin):
        publisher = os.fork()
        if publisher == 0:
            store = open_store(root)
            for attempt in count():
                version = f"k{number}-{attempt}"
                model = renamed(models[attempt % len(models)], version, model_name=ModelName(line.strip()))
                store.publish(model)
                os.write(1, f"published {version}\n".encode())
        os.write(1, f"started {publisher}\n".encode())
        os.waitpid(publisher, 0)
        os.write(1, b"ended\n")


def watch(root: str, refresh_seconds: str, awaited: str) -> None:
    """Ask for the latest version until it is the awaited one; print when it was last asked for in vain."""
    cached = CachedModels(FilesystemModels(Path(root)), float(refresh_seconds), size=2)
    cached.latest(DEFAULT_MODEL_NAME)
    os.write(1, b"watching\n")
    in_vain = 0.0
    while True:
        asked_at = time.monotonic()
        version = cached.latest(DEFAULT_MODEL_NAME)
        cached.load(DEFAULT_MODEL_NAME, version)
        if version.value == awaited:
            os.write(1, f"{in_vain}\n".encode())
            return
        in_vain = asked_at


if __name__ == "__main__":
    programs: dict[str, Callable[..., None]] = {"race": race, "publish": publish_without_end, "watch": watch}
    programs[sys.argv[1]](*sys.argv[2:])
