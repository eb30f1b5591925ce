"""The ways into the service that every scenario is run through."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import msgspec

from tests.acceptance.telemetry import Message
from vehicle_anomaly.adapters.inbound.wire.answers import (
    ingest_response,
    score_batch_response,
    verdict_response,
    version_response,
    versions_response,
)
from vehicle_anomaly.adapters.inbound.wire.commands import (
    score_batch_command,
    score_command,
    train_model_command,
)
from vehicle_anomaly.adapters.inbound.wire.comparisons import compare_response, posted_batch
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.problems import (
    TYPE_PREFIX,
    Problem,
    problem_of_malformed,
    problem_of_refusal,
)
from vehicle_anomaly.adapters.inbound.wire.promotions import promotions_response
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.compare_versions import CompareVersions, CompareVersionsCommand
from vehicle_anomaly.core.errors import Refusal
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.promote_version import ListPromotions, PromoteVersion, PromoteVersionCommand
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.train_model import TrainModel


@dataclass(frozen=True, slots=True)
class Refused:
    """The service refused; `kind` and `detail` are those of the problem, `places` where it is."""

    kind: str
    detail: str
    places: tuple[str, ...]


Answer = Message | Refused


class Driver(Protocol):
    """Asks the service for something, in the caller's own bytes where there are any."""

    def train(self, message: bytes) -> Answer:
        """Train on a batch."""
        ...

    def score(self, message: bytes) -> Answer:
        """Score a reading."""
        ...

    def score_batch(self, message: bytes) -> Answer:
        """Score a batch."""
        ...

    def models(self) -> list[str]:
        """List the models."""
        ...

    def versions(self, name: str) -> Answer:
        """List the versions of a model."""
        ...

    def version(self, name: str, version: str) -> Answer:
        """Ask for one version."""
        ...

    def promote(self, name: str, version: str, by: str = "ada") -> Answer:
        """Make a version the latest; `by` is what the caller says of itself."""
        ...

    def promotions(self, name: str) -> Answer:
        """Ask who promoted what."""
        ...

    def compare(self, name: str, version: str, other: str, message: bytes | None = None) -> Answer:
        """Compare a version with another, on its training or on a batch."""
        ...


class InProcess:
    """The use cases, called."""

    def __init__(
        self, train_model: TrainModel, score_telemetry: ScoreTelemetry, models: ModelRepository
    ) -> None:
        self._train_model = train_model
        self._score_telemetry = score_telemetry
        self._models = models
        self._promote_version = PromoteVersion(models, SystemClock())

    def train(self, message: bytes) -> Answer:
        """Train on a batch."""
        return self._answer(
            lambda: ingest_response(self._train_model.published(train_model_command(message, Encoding.JSON)))
        )

    def score(self, message: bytes) -> Answer:
        """Score a reading."""

        def verdict() -> object:
            command, timestamp = score_command(message, Encoding.JSON)
            verdicts = self._score_telemetry(command)
            return verdict_response(verdicts, verdicts.verdicts[0], timestamp)

        return self._answer(verdict, single=True)

    def score_batch(self, message: bytes) -> Answer:
        """Score a batch."""

        def verdicts() -> object:
            command, timestamps = score_batch_command(message, Encoding.JSON)
            return score_batch_response(self._score_telemetry(command), timestamps)

        return self._answer(verdicts)

    def models(self) -> list[str]:
        """List the models."""
        return [name.value for name in self._models.names()]

    def versions(self, name: str) -> Answer:
        """List the versions of a model."""
        return self._answer(lambda: versions_response(name, self._models.versions(ModelName(name))))

    def version(self, name: str, version: str) -> Answer:
        """Ask for one version."""
        return self._answer(
            lambda: version_response(
                self._models.metadata(ModelName(name), ModelVersion(version)),
                self._models.report(ModelName(name), ModelVersion(version)),
                is_latest=self._models.latest(ModelName(name)).value == version,
            )
        )

    def promote(self, name: str, version: str, by: str = "ada") -> Answer:
        """Make a version the latest; `by` is what the caller says of itself."""

        def promoted() -> Message:
            self._promote_version(PromoteVersionCommand(ModelName(name), ModelVersion(version), by))
            return {}

        return self._answer(promoted)

    def promotions(self, name: str) -> Answer:
        """Ask who promoted what."""
        return self._answer(lambda: promotions_response(name, ListPromotions(self._models)(ModelName(name))))

    def compare(self, name: str, version: str, other: str, message: bytes | None = None) -> Answer:
        """Compare a version with another, on its training or on a batch."""

        def compared() -> object:
            batch = None if message is None else posted_batch(message, Encoding.JSON)
            command = CompareVersionsCommand(
                ModelName(name), ModelVersion(version), ModelVersion(other), batch
            )
            return compare_response(CompareVersions(self._score_telemetry, self._models)(command))

        return self._answer(compared)

    def _answer(self, ask: Callable[[], object], *, single: bool = False) -> Answer:
        try:
            answer: Message = msgspec.json.decode(msgspec.json.encode(ask()))
        except MalformedMessage as error:
            return refused(msgspec.to_builtins(problem_of_malformed(error)))
        except Refusal as error:
            return refused(msgspec.to_builtins(problem_of_refusal(error, single=single)))
        return answer


class Http:
    """A client on a socket."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def train(self, message: bytes) -> Answer:
        """Train on a batch."""
        return self._post("/ingest", message)

    def score(self, message: bytes) -> Answer:
        """Score a reading."""
        return self._post("/score", message)

    def score_batch(self, message: bytes) -> Answer:
        """Score a batch."""
        return self._post("/score/batch", message)

    def models(self) -> list[str]:
        """List the models."""
        names: list[str] = self._client.get("/models").json()["models"]
        return names

    def versions(self, name: str) -> Answer:
        """List the versions of a model."""
        return self._answer(self._client.get(f"/models/{name}"))

    def version(self, name: str, version: str) -> Answer:
        """Ask for one version."""
        return self._answer(self._client.get(f"/models/{name}/versions/{version}"))

    def promote(self, name: str, version: str, by: str = "ada") -> Answer:
        """Make a version the latest; `by` is what the caller says of itself."""
        return self._answer(
            self._client.put(
                f"/models/{name}/latest", json={"model_version": version}, headers={"X-Actor": by}
            )
        )

    def promotions(self, name: str) -> Answer:
        """Ask who promoted what."""
        return self._answer(self._client.get(f"/models/{name}/promotions"))

    def compare(self, name: str, version: str, other: str, message: bytes | None = None) -> Answer:
        """Compare a version with another, on its training or on a batch."""
        path = f"/models/{name}/versions/{version}/compare?with={other}"
        return self._answer(self._client.get(path)) if message is None else self._post(path, message)

    def _post(self, path: str, message: bytes) -> Answer:
        return self._answer(
            self._client.post(path, content=message, headers={"Content-Type": "application/json"})
        )

    def _answer(self, response: httpx.Response) -> Answer:
        answer: Message = response.json()
        if response.is_success:
            return answer
        assert response.headers["Content-Type"] == "application/problem+json"
        assert answer["status"] == response.status_code
        return refused(answer)


def refused(problem: Any) -> Refused:
    """Return what a problem says."""
    told = msgspec.convert(problem, Problem)
    pointers = [each.pointer for each in told.errors] if isinstance(told.errors, list) else []
    return Refused(told.type.removeprefix(TYPE_PREFIX), told.detail, tuple(pointers))
