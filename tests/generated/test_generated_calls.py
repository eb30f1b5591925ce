"""The real service does what its OpenAPI document says, and nothing else, whatever is made from it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest

from tests.adapters.inbound.http.processes import serving
from tests.api_keys import an_entry
from tests.fakes import FixedClock, a_batch
from tests.generated.calls import Generated, call_as_documented
from tests.generated.hooks import FEATURES
from vehicle_anomaly.adapters.inbound.http.openapi import OPERATIONS, Operation
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelVersion
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

KEY: Final = "va_key-of-the-generated-calls"
LONG_SECONDS: Final = 2 * 3600
_CHOOSY: Final = ("POST /ingest", "POST /score", "POST /score/batch", "PUT /models/{name}/latest")
EVERYTHING: Final = ("score", "train", "models:read", "models:write", "metrics")


@contextmanager
def _service(folder: Path, **variables: str) -> Iterator[str]:
    """Serve versions `v1` and `v2` of model `default` in a process; yield its address."""
    store = folder / "store"
    train = TrainModel(FilesystemModels(store), FixedClock(), ForestParameters(10, 0.05, 42))
    for version in ("v1", "v2"):
        batch = a_batch(n_readings=200, feature_names=FEATURES, seed=len(version))
        train(TrainModelCommand(batch, DEFAULT_MODEL_NAME, ModelVersion(version)))
    with serving(store, **variables) as process:
        url = process.wait_for("listening")["url"]
        reader = Thread(target=process.read_on)
        reader.start()
        try:
            yield url
        finally:
            process.started.terminate()
            reader.join()
    assert [line for line in process.log if line["event"] == "request failed"] == []


def _complete(generated: Generated) -> Any:
    assert generated.status == 0, generated.output[-8000:]
    assert generated.report["complete"]
    return generated.report


def _check_all(generated: Generated, least: int) -> None:
    report = _complete(generated)
    assert report["operations"]["tested"] == len(OPERATIONS)
    assert report["test_cases"]["generated"] >= least
    for called in _CHOOSY:
        _check_accepted(report, called)


def _check_accepted(report: Any, called: str) -> None:
    # Of the messages, many were right, and their answers were held to their schemas. Over both phases:
    # which are drawn at random changes with the constants in the code that draws them.
    rates = report["valid_rates"][called]
    assert rates["coverage"]["accepted"] + rates["fuzzing"]["accepted"] > 5, called


def _called(operation: Operation) -> str:
    return f"{operation.method.upper()} {operation.path}"


def _with_keys() -> dict[str, str]:
    return {"AUTH": "on", "API_KEYS": json.dumps([an_entry("all", KEY, *EVERYTHING)])}


@pytest.mark.timeout(300)
def test_with_a_key(tmp_path: Path) -> None:
    """All checks: who sends no key, or a wrong one, gets in nowhere."""
    with _service(tmp_path, **_with_keys()) as url:
        _check_all(call_as_documented(url, tmp_path, *_short(40), key=KEY, timeout=280), 1000)


@pytest.mark.timeout(300)
def test_without_keys(tmp_path: Path) -> None:
    """All checks but that for ignored keys: the service has been told to ask for none."""
    options = [*_short(20), "--exclude-checks", "ignored_auth"]
    with _service(tmp_path) as url:
        _check_all(call_as_documented(url, tmp_path, *options, timeout=280), 500)


@pytest.mark.soak
@pytest.mark.timeout(LONG_SECONDS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=_called)
def test_ten_thousand_an_operation(tmp_path: Path, operation: Operation) -> None:
    """One at a time, so that `just soak -n 2` has as many at once, and each tells when it is done."""
    chosen = ["--include-name", _called(operation)]
    options = ["--max-examples", "10000", "--phases", "examples,coverage,fuzzing", *chosen]
    with _service(tmp_path, **_with_keys()) as url:
        report = _complete(call_as_documented(url, tmp_path, *options, key=KEY, timeout=LONG_SECONDS))
    assert report["operations"]["tested"] == 1
    # With nothing to choose in a path or a body, there are not so many calls that differ.
    least = 10_000 if "{" in operation.path or operation.request is not None else 1
    assert report["test_cases"]["generated"] >= least
    if _called(operation) in _CHOOSY:
        _check_accepted(report, _called(operation))


def _short(examples: int) -> list[str]:
    # The same calls each time; without shrinking what fails, which takes minutes.
    return ["--max-examples", str(examples), "--seed", "20261127", "--phases", "examples,coverage,fuzzing"]
