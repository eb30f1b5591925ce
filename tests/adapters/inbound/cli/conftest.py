"""The command line in this process, on a store in memory; and as a process of its own."""

import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import numpy as np
import pytest

from tests.fakes import FixedClock, InMemoryModels
from vehicle_anomaly.adapters.inbound.cli.app import run
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.promote_version import PromoteVersion
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.train_model import TrainModel

PARAMETERS = ForestParameters(n_estimators=10)
NAMES = ("speed", "load", "coolant")


@dataclass(frozen=True)
class Run:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """What it printed, as JSON."""
        assert (self.status, self.err) == (0, "")
        return msgspec.json.decode(self.out)

    @property
    def verdicts(self) -> list[Any]:
        """What it printed, as NDJSON."""
        assert self.status == 0, self.err
        return [msgspec.json.decode(line) for line in self.out.splitlines()]

    def assert_failed(self, *fragments: str, status: int = 1) -> None:
        """Assert that it failed, and said so in one line that holds all of the fragments."""
        assert self.status == status, self
        assert self.err.startswith("vehicle-anomaly: error: "), self.err
        assert self.err.count("\n") == 1, self.err
        assert self.err.endswith("\n"), self.err
        for fragment in fragments:
            assert fragment in self.err


def _nothing_runs() -> NoReturn:
    raise AssertionError("nothing here serves, works or describes the queues")


def _nothing_opens(address: str) -> NoReturn:
    raise AssertionError(f"nothing here opens {address}")


@dataclass
class CommandLine:
    """Runs commands in this process."""

    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]
    models: InMemoryModels = field(default_factory=InMemoryModels)
    score_telemetry: Callable[[], ScoreTelemetry] | None = None
    guards: GuardParameters | None = None

    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> Run:
        """Run a command with these arguments."""
        services = Services(
            train_model=lambda: TrainModel(self.models, FixedClock(), PARAMETERS, self.guards),
            score_telemetry=self.score_telemetry or (lambda: ScoreTelemetry(self.models)),
            models=lambda: self.models,
            promote_version=lambda: PromoteVersion(self.models, FixedClock()),
            serve=lambda _: _nothing_runs(),
            serve_as_worker=lambda _: _nothing_runs(),
            warm_up=_nothing_runs,
            work=_nothing_runs,
            asyncapi=_nothing_runs,
            open_store=_nothing_opens,
            open_unsigned_store=_nothing_opens,
            can_sign=lambda: False,
        )
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self.capfd.readouterr()
        status = run([str(each) for each in arguments], services)
        told = self.capfd.readouterr()
        return Run(status, told.out, told.err)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    """Run commands in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return CommandLine(monkeypatch, capfd)


def a_matrix(n_readings: int = 60, seed: int = 0) -> np.ndarray:
    """Make values for `NAMES`."""
    return np.random.default_rng(seed).normal(50, 10, size=(n_readings, len(NAMES))).round(3)


def csv_text(X: np.ndarray, names: Sequence[str] = NAMES) -> str:
    """Write values as CSV, NaN as an empty cell, a reading a second."""
    lines = [",".join(("timestamp", "vehicle_id", *names))]
    for second, row in enumerate(X.tolist()):
        cells = ["" if value != value else repr(value) for value in row]  # noqa: PLR0124  # NaN alone differs
        lines.append(",".join((timestamp(second), "veh-1", *cells)))
    return "\n".join(lines) + "\n"


def ndjson_text(X: np.ndarray, names: Sequence[str] | None = None) -> str:
    """Write values as NDJSON, by name when there are names, NaN as null."""
    lines = []
    for second, row in enumerate(X.tolist()):
        values = [None if value != value else value for value in row]  # noqa: PLR0124  # NaN alone differs
        told = (
            {"feature_vector": values}
            if names is None
            else {"features": dict(zip(names, values, strict=True))}
        )
        record = {"timestamp": timestamp(second), "vehicle_id": "veh-1", **told}
        lines.append(msgspec.json.encode(record).decode())
    return "\n".join(lines) + "\n"


def timestamp(second: int) -> str:
    """Name a second of a day."""
    return f"2026-11-22T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
