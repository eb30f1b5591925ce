"""Publishers that kill themselves at a given step: each write, fsync, rename and PUT, before it and after.

A program of its own: it forks, which a test run with its threads had better not.
"""

import builtins
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO, Final

from tests.adapters.outbound.publishers import open_store
from tests.fakes import a_trained_model, renamed
from vehicle_anomaly.adapters.outbound import sealed_folder
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelRepository

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


def stepping(address: str, steps: Steps) -> ModelRepository:
    """Return a store whose every step that changes something is counted; spoils this process for others."""
    if address.startswith("s3://"):
        client = s3_client()
        events = client.meta.events
        for operation in _WRITING_CALLS:
            events.register(f"before-send.s3.{operation}", lambda **_: steps("before PUT or DELETE"))
            events.register(f"after-call.s3.{operation}", lambda **_: steps("after PUT or DELETE"))
        return S3Models(S3Bucket(client, address.removeprefix("s3://")))
    for name in _SYSTEM_CALLS:
        setattr(os, name, steps.around(name, getattr(os, name)))

    def opened(descriptor: int, mode: str, **kwargs: Any) -> Any:
        file: Any = builtins.open(descriptor, mode, **kwargs)  # noqa: SIM115  # whoever calls closes it
        return _InHalves(file, steps) if "w" in mode else file

    vars(sealed_folder)["open"] = opened
    return open_store(address)


def _killed(address: str, model: TrainedModel, step: int) -> str | None:
    """Publish in a process that is killed at a step; return what the step was, None if there is none."""
    told, telling = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        stepping(address, Steps(step, telling)).publish(model)
        os._exit(0)
    os.close(telling)
    with open(told, "rb") as pipe:  # noqa: PTH123  # a descriptor
        what = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return what
    assert os.waitstatus_to_exitcode(status) == 0
    return None


def _judge(address: str, name: ModelName, models: tuple[TrainedModel, TrainedModel]) -> str:
    """Return which version answers; fail if what is there is not whole or does not heal."""
    began = time.monotonic()
    store = open_store(address)
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


def run(address: str, rounds: int) -> dict[str, Any]:
    """Kill a publisher at each of its steps, in each round; return how often at which, and what answered."""
    trained = (a_trained_model("v", n_estimators=1, seed=seed) for seed in (0, 1))
    first, second = (replace(model, estimator=None) for model in trained)
    kills: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    n_steps = 0
    for number in range(rounds):
        step = 0
        while True:
            name = ModelName(f"model-{number}-{step}")
            models = (
                renamed(first, "first", model_name=name),
                renamed(second, "second", model_name=name),
            )
            open_store(address).publish(models[0])
            what = _killed(address, models[1], step)
            if what is None:
                break
            kills[what] += 1
            answered[_judge(address, name, models)] += 1
            step += 1
        n_steps = max(n_steps, step)
    return {"kills": kills, "answered": answered, "steps": n_steps}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))  # noqa: T201
