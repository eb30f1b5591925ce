"""What the commands work with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vehicle_anomaly.core.ports import ModelArchive, ModelRepository
from vehicle_anomaly.core.promote_version import PromoteVersion
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.train_model import TrainModel


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases and the store, each made when a command asks for it: `--help` makes none.

    Attributes:
        train_model: Makes `TrainModel`.
        score_telemetry: Makes `ScoreTelemetry`.
        models: Makes the repository both use.
        promote_version: Makes `PromoteVersion`.
        serve: Serves HTTP until it is told to stop, in so many processes; None: as the environment says.
        serve_as_worker: Serves HTTP as one process of several, on sockets that it inherits.
        warm_up: Compiles what scores.
        open_store: Opens a store by its address, `file:FOLDER` or `s3://BUCKET/PREFIX`.
        open_unsigned_store: The same, without asking for signatures.
        can_sign: Tells whether there is a key to sign versions with.
        asyncapi: Describes the queues, as JSON.
        work: Answers a queue until it is told to stop; threads of it may be left.
    """

    train_model: Callable[[], TrainModel]
    score_telemetry: Callable[[], ScoreTelemetry]
    models: Callable[[], ModelRepository]
    promote_version: Callable[[], PromoteVersion]
    serve: Callable[[int | None], None]
    serve_as_worker: Callable[[Sequence[int]], None]
    warm_up: Callable[[], None]
    open_store: Callable[[str], ModelArchive]
    open_unsigned_store: Callable[[str], ModelArchive]
    can_sign: Callable[[], bool]
    asyncapi: Callable[[], bytes]
    work: Callable[[], None]
