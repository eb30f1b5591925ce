"""Publishers that kill themselves at a given step: each write, fsync, rename and PUT, before it and after.

A program of its own: it forks, which a test run with its threads had better not.

    python -m tests.robustness.step_killer ADDRESS ROUNDS SERVED_EVERY
"""

import builtins
import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import httpx

from tests.adapters.inbound.http.processes import serving
from tests.adapters.outbound.publishers import small_models
from tests.aws_server import AWS_ENVIRONMENT
from tests.fakes import NOON, renamed
from vehicle_anomaly.adapters.outbound import sealed_folder
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelRepository

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FIRST, SECOND = ModelVersion("first"), ModelVersion("second")
BACK_SECONDS: Final = 5.0
_SYSTEM_CALLS: Final = ("mkdir", "open", "fsync", "rename", "unlink", "rmdir")
_WRITING_CALLS: Final = ("PutObject", "DeleteObject")


class Steps:
    """Counts steps, and kills this process at one of them."""

    def __init__(self, last: int, pipe: int) -> None:
        self._left = last
        self._pipe = pipe

    def __call__(self, what: str) -> None:
        """Take a step, or die of it."""
        if self._left == 0:
            os.write(self._pipe, what.encode())
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def around(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call with a step before it and one after it."""

        def stepped(*args: Any, **kwargs: Any) -> Any:
            self(f"before {what}")
            result = call(*args, **kwargs)
            self(f"after {what}")
            return result

        return stepped


class _InHalves:
    """A file that is written in two halves, each of which gets to the operating system."""

    def __init__(self, file: BinaryIO, steps: Steps) -> None:
        self._file = file
        self._steps = steps

    def __enter__(self) -> "_InHalves":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> None:
        """Write, with a step in the middle and one at the end."""
        for half in (data[: len(data) // 2], data[len(data) // 2 :]):
            self._file.write(half)
            self._file.flush()
            self._steps("write")


def _stepping_s3(client: "S3Client", steps: Steps) -> None:
    events = client.meta.events
    for operation in _WRITING_CALLS:
        events.register(f"before-send.s3.{operation}", lambda **_: steps("before PUT or DELETE"))
        events.register(f"after-call.s3.{operation}", lambda **_: steps("after PUT or DELETE"))


def _stepping_files(steps: Steps) -> None:
    for name in _SYSTEM_CALLS:
        setattr(os, name, steps.around(name, getattr(os, name)))

    def opened(descriptor: int, mode: str, **kwargs: Any) -> Any:
        file: Any = builtins.open(descriptor, mode, **kwargs)  # noqa: SIM115  # whoever calls closes it
        return _InHalves(file, steps) if "w" in mode else file

    vars(sealed_folder)["open"] = opened


class Place:
    """A folder, or a bucket at `s3://bucket` as the environment has boto3 find it, in which models are."""

    def __init__(self, address: str) -> None:
        self._bucket = address.removeprefix("s3://") if address.startswith("s3://") else None
        self._folder = Path(address)
        if self._bucket is not None:
            self._client = s3_client()
            # Made here, for it takes long, and used in children only: no connection is used by two.
            self._child_client = s3_client()

    def store(self) -> ModelRepository:
        """Return it as who starts anew has it."""
        if self._bucket is None:
            return FilesystemModels(self._folder)
        return S3Models(S3Bucket(self._client, self._bucket))

    def stepping(self, steps: Steps) -> ModelRepository:
        """Return it with every step that changes something counted; spoils this process for others."""
        if self._bucket is None:
            _stepping_files(steps)
            return FilesystemModels(self._folder)
        _stepping_s3(self._child_client, steps)
        return S3Models(S3Bucket(self._child_client, self._bucket))

    def variables(self) -> dict[str, str]:
        """Return what has a service find it."""
        if self._bucket is None:
            return {}
        endpoint = {name: os.environ[name] for name in ("AWS_ENDPOINT_URL",) if name in os.environ}
        return {**AWS_ENVIRONMENT, **endpoint, "MODEL_STORE": "s3", "MODEL_BUCKET": self._bucket}

    def back(self, name: ModelName) -> str:
        """Start a service; return which version answers first, and fail if that takes too long."""
        began = time.monotonic()
        with serving(self._folder, **self.variables()) as service:
            url = service.wait_for("listening")["url"]
            reading = {
                "vehicle_id": "vehicle-1",
                "timestamp": NOON.isoformat(),
                "feature_vector": [0.0, 0.0, 0.0],
                "model_name": name.value,
            }
            told = httpx.post(f"{url}/score", json=reading, timeout=60, trust_env=False)
            took = time.monotonic() - began - _waited_for_a_processor(service.started.pid)
            assert told.status_code == 200, told.text
            assert took < BACK_SECONDS, f"back after {took:.1f} s"
            ready = httpx.get(f"{url}/health/ready", timeout=60, trust_env=False)
            assert ready.status_code == 200, ready.text
            assert "degraded" not in ready.json(), ready.text
        version: str = told.json()["model_version"]
        return version

    def forget(self, name: ModelName) -> None:
        """Delete a model: how long a step takes does not depend on how many were killed before."""
        if self._bucket is None:
            shutil.rmtree(self._folder / name.value)
            return
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        for page in pages:
            keys = [{"Key": one["Key"]} for one in page.get("Contents", ()) if name.value in one["Key"]]
            if keys:
                self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys})  # type: ignore[typeddict-item]


def _waited_for_a_processor(pid: int) -> float:
    """Return for how many seconds a process could have run and others did: on a machine of its own, none."""
    told = Path(f"/proc/{pid}/schedstat")
    return int(told.read_text().split()[1]) / 1e9 if told.exists() else 0.0


def _killed(place: Place, model: TrainedModel, step: int) -> str | None:
    """Publish in a process that is killed at a step; return what the step was, None if there is none."""
    told, telling = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        place.stepping(Steps(step, telling)).publish(model)
        os._exit(0)
    os.close(telling)
    with open(told, "rb") as pipe:  # noqa: PTH123  # a descriptor
        what = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return what
    assert os.waitstatus_to_exitcode(status) == 0
    return None


def _judge(place: Place, name: ModelName, models: tuple[TrainedModel, TrainedModel]) -> str:
    """Return which version answers; fail if what is there is not whole or does not heal."""
    began = time.monotonic()
    store = place.store()
    latest = store.latest(name)
    content = store.load(name, latest).content_sha256()
    assert time.monotonic() - began < BACK_SECONDS
    assert content == {FIRST: models[0], SECOND: models[1]}[latest].content_sha256()
    known = store.versions(name)
    assert known.damaged == (), known.damaged
    assert known.latest == latest
    for version in known.versions:
        store.load(name, version.model_version)
    store.publish(models[1])
    assert store.latest(name) == SECOND
    assert {each.model_version for each in store.versions(name).versions} == {FIRST, SECOND}
    return latest.value


def run(address: str, rounds: int, served_every: int) -> dict[str, Any]:
    """Kill a publisher at each of its steps, in each round; return how often at which, and what answered.

    Args:
        address: Of the store.
        rounds: How often each step.
        served_every: After each such step of the first round, a service is started.
    """
    place = Place(address)
    first, second = small_models(2)
    kills: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    n_steps = n_served = 0
    for number in range(rounds):
        for step in count():
            name = ModelName(f"model-{number}-{step}")
            models = renamed(first, "first", model_name=name), renamed(second, "second", model_name=name)
            place.store().publish(models[0])
            what = _killed(place, models[1], step)
            if what is not None:
                serves = number == 0 and step % served_every == 0
                told = place.back(name) if serves else None
                judged = _judge(place, name, models)
                assert told in {None, judged}, f"{told} answered a service, then {judged}"
                kills[what] += 1
                answered[judged] += 1
                n_served += serves
            place.forget(name)
            if what is None:
                n_steps = step
                break
    return {"kills": kills, "answered": answered, "steps": n_steps, "served": n_served}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
