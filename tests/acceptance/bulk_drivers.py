"""The ways in for telemetry in columns: Arrow over HTTP, and Parquet files on the command line."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from vehicle_anomaly.adapters.inbound.cli.app import run
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.container import Container

Verdict = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ColumnsRefused:
    """The columns were refused; `detail` says where and why."""

    detail: str


class Columns(Protocol):
    """Takes a table as bytes of its own format."""

    def write(self, table: pa.Table) -> bytes:
        """Write a table."""
        ...

    def train(self, columns: bytes, version: str) -> None:
        """Train a version of model `default`."""
        ...

    def score(self, columns: bytes, explain: str | None = None) -> list[Verdict] | ColumnsRefused:
        """Score by the latest version."""
        ...


@dataclass(frozen=True, slots=True)
class ArrowOverHttp:
    """Bodies on a socket."""

    client: httpx.Client

    def write(self, table: pa.Table) -> bytes:
        """Write a table as an IPC stream."""
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return sink.getvalue()

    def train(self, columns: bytes, version: str) -> None:
        """Train a version."""
        self._post(f"/ingest?model_version={version}", columns).raise_for_status()

    def score(self, columns: bytes, explain: str | None = None) -> list[Verdict] | ColumnsRefused:
        """Score by the latest version."""
        query = "" if explain is None else f"?explain={explain}"
        answer = self._post(f"/score/batch{query}", columns)
        told = answer.json()
        if not answer.is_success:
            assert answer.is_client_error, told
            return ColumnsRefused(told["detail"])
        results: list[Verdict] = told["results"]
        return results

    def _post(self, path: str, columns: bytes) -> httpx.Response:
        headers = {"content-type": "application/vnd.apache.arrow.stream"}
        return self.client.post(path, content=columns, headers=headers)


@dataclass(frozen=True, slots=True)
class ParquetFiles:
    """Files for `train` and `score`.

    Attributes:
        container: What the commands work with.
        folder: Where the files are put.
        printed: Takes what was printed since it was last asked, on standard output and standard error.
    """

    container: Container
    folder: Path
    printed: Callable[[], tuple[str, str]]

    def write(self, table: pa.Table) -> bytes:
        """Write a table as a file."""
        sink = io.BytesIO()
        pq.write_table(table, sink)
        return sink.getvalue()

    def train(self, columns: bytes, version: str) -> None:
        """Train a version."""
        status, _, err = self._run("train", columns, "--model-version", version)
        assert status == 0, err

    def score(self, columns: bytes, explain: str | None = None) -> list[Verdict] | ColumnsRefused:
        """Score by the latest version."""
        options = () if explain is None else ("--explain", explain)
        status, out, err = self._run("score", columns, *options)
        if status:
            assert status == 1
            return ColumnsRefused(err)
        return [json.loads(line) for line in out.splitlines()]

    def _run(self, command: str, columns: bytes, *options: str) -> tuple[int, str, str]:
        path = self.folder / "trip.parquet"
        path.write_bytes(columns)
        self.printed()
        status = run([command, str(path), *options], self._services())
        return (status, *self.printed())

    def _services(self) -> Services:
        return Services(
            train_model=self.container.train_model,
            score_telemetry=self.container.score_telemetry,
            models=self.container.models,
            promote_version=_never,
            serve=_never,
            serve_as_worker=_never,
            warm_up=_never,
            work=_never,
            asyncapi=_never,
            open_store=_never,
            open_unsigned_store=_never,
            can_sign=_never,
        )


def _never(*_: Any) -> NoReturn:
    raise AssertionError("files are trained on and scored, nothing else")
