"""What the HTTP API is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from litestar.types import ASGIApp

from vehicle_anomaly.adapters.inbound.http.bodies import Bodies
from vehicle_anomaly.adapters.inbound.http.metrics import RequestMetrics
from vehicle_anomaly.adapters.inbound.http.stopping import Stopping
from vehicle_anomaly.adapters.inbound.http.watching import Tell
from vehicle_anomaly.adapters.inbound.wire.limits import NO_LIMITS, MessageLimits
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.promote_version import PromoteVersion
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.train_model import TrainModel


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How the API presents and limits itself.

    Attributes:
        version: Of the service.
        environment: Name of the deployment.
        cors_origins: Origins that browsers may call from.
        allowed_hosts: `Host` headers that are answered; none: all.
        max_concurrent_requests: Requests that are worked on at once; one more is shed.
        training_slots: Trainings that run at once.
        training_queue: Trainings that may wait for a slot.
        asyncapi: The document of the queues, as JSON.
    """

    version: str
    environment: str
    cors_origins: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    max_concurrent_requests: int
    training_slots: int
    training_queue: int
    asyncapi: bytes


@dataclass(frozen=True, slots=True)
class HttpParts:
    """The use cases and the store that the API drives.

    Attributes:
        train_model: Trains.
        score_telemetry: Scores.
        promote_version: Makes a version the latest.
        models: Lists and tells versions.
        at_hand: Returns a version, or for None the latest, if that takes no asking the store: then readings
            are scored on the event loop, and in a thread otherwise.
        degraded: Tells, by model name, why a model is not answered with what the store has as its latest.
        examine: Looks whether there is more of that, which takes asking the store.
        bodies: Reads bodies that are read whole.
        tell: Is told of each request, an event and its fields; None when nobody wants to know.
        metrics: Counts requests, and tells all that is counted.
        trace: Puts a span around each request of an application; None where there are no traces.
        limits: What one message may hold.
        stopping: Whether the service is on its way out.
    """

    train_model: TrainModel
    score_telemetry: ScoreTelemetry
    promote_version: PromoteVersion
    models: ModelRepository
    at_hand: Callable[[ModelName, ModelVersion | None], TrainedModel | None]
    degraded: Callable[[], Mapping[str, str]]
    examine: Callable[[], None]
    bodies: Bodies
    tell: Tell | None = None
    metrics: RequestMetrics = field(default_factory=RequestMetrics)
    trace: Callable[[ASGIApp], ASGIApp] | None = None
    limits: MessageLimits = NO_LIMITS
    stopping: Stopping = field(default_factory=Stopping)
