"""What is made of what, by environment."""

from typing import assert_never

from dependency_injector import containers, providers

from vehicle_anomaly import __version__
from vehicle_anomaly.adapters.inbound.http.app import create_app
from vehicle_anomaly.adapters.inbound.http.parts import HttpOptions, HttpParts
from vehicle_anomaly.adapters.inbound.http.server import HttpServer
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.model_cache import CachedModels
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.core.ports import Clock, ModelRepository
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.train_model import TrainModel
from vehicle_anomaly.settings import FilesystemStore, ModelStore, Settings


def open_model_store(store: ModelStore) -> ModelRepository:
    """Return the repository that the settings name."""
    match store:
        case FilesystemStore(model_artifact_dir=folder):
            return FilesystemModels(folder)
        case _:
            assert_never(store)


def describe_http(settings: Settings) -> HttpOptions:
    """Return how the settings want the API to present and limit itself."""
    return HttpOptions(
        version=__version__,
        environment=settings.environment,
        cors_origins=settings.cors_origins,
        allowed_hosts=settings.allowed_hosts,
        max_body_bytes=settings.max_body_bytes,
        training_slots=settings.training_slots,
        training_queue=settings.training_queue,
    )


def drive_http(train_model: TrainModel, score_telemetry: ScoreTelemetry, models: CachedModels) -> HttpParts:
    """Return what the API drives."""
    return HttpParts(train_model, score_telemetry, models, models.in_memory, lambda: models.degraded)


class Container(containers.DeclarativeContainer):
    """The parts of one process. `settings` must be given; any other provider may be overridden."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    clock: providers.Provider[Clock] = providers.Singleton(SystemClock)
    model_store: providers.Provider[ModelRepository] = providers.Singleton(
        open_model_store, settings.provided.model_store
    )
    models: providers.Provider[CachedModels] = providers.Singleton(
        CachedModels,
        model_store,
        settings.provided.model_refresh_seconds,
        settings.provided.model_cache_size,
    )
    train_model: providers.Provider[TrainModel] = providers.Singleton(
        TrainModel, models, clock, settings.provided.forest_parameters
    )
    score_telemetry: providers.Provider[ScoreTelemetry] = providers.Singleton(ScoreTelemetry, models)
    http_app = providers.Singleton(
        create_app,
        providers.Callable(drive_http, train_model, score_telemetry, models),
        providers.Callable(describe_http, settings),
    )
    http_server: providers.Provider[HttpServer] = providers.Factory(
        HttpServer, http_app, settings.provided.host, settings.provided.port
    )
