"""Requests → use cases → results: one table, from the type of a request to what answers it."""

import hashlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

import msgspec

from vehicle_anomaly.adapters.inbound.sqs.deliveries import Delivery
from vehicle_anomaly.adapters.inbound.sqs.messages import (
    IngestedMessage,
    IngestMessage,
    RefusedMessage,
    RequestMessage,
    ResultMessage,
    ScoreBatchMessage,
    ScoredBatchMessage,
    ScoredMessage,
    ScoreMessage,
)
from vehicle_anomaly.adapters.inbound.wire.answers import (
    ingest_response,
    verdict_response,
)
from vehicle_anomaly.adapters.inbound.wire.bulk import score_split_batch
from vehicle_anomaly.adapters.inbound.wire.commands import (
    to_score_command,
    to_train_model_command,
)
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.limits import NO_LIMITS, MessageLimits
from vehicle_anomaly.adapters.inbound.wire.problems import Problem, problem, problem_of_refusal
from vehicle_anomaly.core.errors import Refusal, VersionExists
from vehicle_anomaly.core.model import ModelVersion
from vehicle_anomaly.core.promotions import MAX_PROMOTER_LENGTH
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.train_model import Published, TrainModel, TrainModelCommand

_KEY_DIGITS: Final = 12


class Pace(Enum):
    """How long a request takes: what is long has threads of its own, so that nothing quick waits for it."""

    QUICK = "quick"
    LONG = "long"


Answer = Callable[[Any, Delivery], ResultMessage]
"""Answers a request of one type.

Raises `Refusal`, `MalformedMessage`, or what says that the infrastructure is at fault.
"""


@dataclass(frozen=True, slots=True)
class Handler:
    """What answers requests of one type."""

    pace: Pace
    answer: Answer


class Handlers:
    """The use cases, by type of request.

    Attributes:
        limits: Of requests.
    """

    def __init__(
        self, train_model: TrainModel, score_telemetry: ScoreTelemetry, limits: MessageLimits = NO_LIMITS
    ) -> None:
        """Answer with these use cases what is within limits."""
        self.limits = limits
        self._train_model = train_model
        self._score_telemetry = score_telemetry
        self._by = f"worker@{socket.gethostname()}"[:MAX_PROMOTER_LENGTH]
        self._handlers: dict[type[RequestMessage], Handler] = {
            IngestMessage: Handler(Pace.LONG, self._ingest),
            ScoreMessage: Handler(Pace.QUICK, self._score),
            ScoreBatchMessage: Handler(Pace.QUICK, self._score_batch),
        }

    def pace(self, request: RequestMessage) -> Pace:
        """Tell how long a request takes."""
        return self._handlers[type(request)].pace

    def answer(self, request: RequestMessage, delivery: Delivery) -> ResultMessage:
        """Answer a request, a refusal included.

        Raises:
            MalformedMessage: A record cannot be decoded.
            DamagedModel: The version is not what was published.
            ModelStoreUnavailable: The model store is out of reach.
        """
        try:
            return self._handlers[type(request)].answer(request, delivery)
        except Refusal as refusal:
            told = problem_of_refusal(refusal, single=isinstance(request, ScoreMessage))
            return refused(delivery, told)

    def _ingest(self, request: IngestMessage[msgspec.Raw], delivery: Delivery) -> ResultMessage:
        command = replace(to_train_model_command(request, Encoding.JSON, self.limits), by=self._by)
        published = (
            self._train_model.published(command)
            if command.model_version
            else self._train_once(command, delivery)
        )
        # As it was published, not as it stands now: another delivery, after a promotion, says the same.
        published = replace(published, waits=not self._train_model.auto_promote)
        return IngestedMessage(**_fields(ingest_response(published)), **_ids(delivery))

    def _train_once(self, command: TrainModelCommand, delivery: Delivery) -> Published:
        version = version_of(delivery)
        try:
            return self._train_model.published(replace(command, model_version=version))
        except VersionExists:
            # It is this request's own: another delivery of it was trained with other forest parameters.
            return self._train_model.known(command.model_name, version)

    def _score(self, request: ScoreMessage, delivery: Delivery) -> ResultMessage:
        command, timestamp = to_score_command(request)
        verdicts = self._score_telemetry(command)
        answer = verdict_response(verdicts, verdicts.verdicts[0], timestamp)
        return ScoredMessage(**_fields(answer), **_ids(delivery))

    def _score_batch(self, request: ScoreBatchMessage[msgspec.Raw], delivery: Delivery) -> ResultMessage:
        answer = score_split_batch(request, Encoding.JSON, self._score_telemetry, limits=self.limits)
        return ScoredBatchMessage(**_fields(answer), **_ids(delivery))


def version_of(delivery: Delivery) -> ModelVersion:
    """Name the version that a training request makes when it names none.

    It sorts by when the request was sent, and is the same in every delivery of it and in none of another:
    publishing it again is publishing the same version.
    """
    key = hashlib.sha256(delivery.request_id.encode()).hexdigest()[:_KEY_DIGITS]
    return ModelVersion(f"{delivery.sent_at:%Y%m%d%H%M%S%f}-{key}")


def refused(delivery: Delivery, told: Problem) -> RefusedMessage:
    """Answer a request with a problem."""
    return RefusedMessage(**_ids(delivery), problem=told)


def result_too_large(delivery: Delivery, size: int, limit: int) -> RefusedMessage:
    """Answer a request whose result fits into no message; scoring again in parts loses nothing."""
    detail = (
        f"the result is {size} bytes and the result queue takes {limit}: "
        "send fewer records, or have RESULT_PAYLOAD_BUCKET set"
    )
    return refused(delivery, problem("result-too-large", "The result is too large", 413, detail))


def _ids(delivery: Delivery) -> dict[str, Any]:
    return {"request_id": delivery.request_id, "correlation_id": delivery.correlation_id}


def _fields(answer: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in answer.__struct_fields__}
