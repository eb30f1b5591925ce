"""What is made of what, by environment."""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, assert_never

import structlog
from dependency_injector import containers, providers
from litestar.types import ASGIApp
from prometheus_client import CollectorRegistry

from vehicle_anomaly import __version__
from vehicle_anomaly.adapters.inbound.http.app import create_app
from vehicle_anomaly.adapters.inbound.http.bodies import Bodies
from vehicle_anomaly.adapters.inbound.http.bounded_protocol import ConnectionLimits
from vehicle_anomaly.adapters.inbound.http.metrics import RequestMetrics
from vehicle_anomaly.adapters.inbound.http.parts import HttpOptions, HttpParts
from vehicle_anomaly.adapters.inbound.http.server import HttpServer
from vehicle_anomaly.adapters.inbound.http.stopping import Stopping
from vehicle_anomaly.adapters.inbound.http.watching import Tell
from vehicle_anomaly.adapters.inbound.http.worker_link import SHARED_FOLDER
from vehicle_anomaly.adapters.inbound.keys.entries import UnusableKeys
from vehicle_anomaly.adapters.inbound.keys.key_ring import KeyRing
from vehicle_anomaly.adapters.inbound.sqs.asyncapi import encoded_document
from vehicle_anomaly.adapters.inbound.sqs.clients import Clients, connect
from vehicle_anomaly.adapters.inbound.sqs.handlers import Handlers
from vehicle_anomaly.adapters.inbound.sqs.metrics import QueueMetrics, serve_metrics
from vehicle_anomaly.adapters.inbound.sqs.payloads import Payloads
from vehicle_anomaly.adapters.inbound.sqs.queues import (
    RequestQueue,
    ResultQueue,
    max_message_bytes,
    max_receives,
)
from vehicle_anomaly.adapters.inbound.sqs.score_objects import ObjectOptions, ScoreObjects
from vehicle_anomaly.adapters.inbound.sqs.tracing import QueueTracing
from vehicle_anomaly.adapters.inbound.sqs.worker import Worker, WorkerOptions, WorkerParts
from vehicle_anomaly.adapters.inbound.wire.limits import MessageLimits
from vehicle_anomaly.adapters.outbound.event_lines import EventLines
from vehicle_anomaly.adapters.outbound.examination import Examination
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.model_cache import CachedModels
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_errors import UnusableModelStore
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.adapters.outbound.service_metrics import ServiceMetrics
from vehicle_anomaly.adapters.outbound.shared_arrays import SharedArrays
from vehicle_anomaly.adapters.outbound.signatures import Signatures, UnusableSigningKeys
from vehicle_anomaly.adapters.outbound.system_clock import SystemClock
from vehicle_anomaly.adapters.outbound.watched_models import WatchedModels
from vehicle_anomaly.core.errors import ModelStoreUnavailable
from vehicle_anomaly.core.model import ModelName, TrainedModel
from vehicle_anomaly.core.ports import Clock, ModelArchive, ModelRepository, WatchTraining
from vehicle_anomaly.core.promote_version import PromoteVersion
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.scoring_threads import ScoringThreads
from vehicle_anomaly.core.train_model import TrainModel
from vehicle_anomaly.observability import are_traces_on
from vehicle_anomaly.settings import FilesystemStore, ModelStore, S3Store, Settings, SettingsError

Subject = TypeVar("Subject")
"""What is watched: a model's training, an operation of the store."""

_UNSIGNED = Signatures()
_log = structlog.get_logger(__name__)


def open_signatures(settings: Settings) -> Signatures:
    """Return what signs and checks versions; without a key set, nothing does.

    Raises:
        SettingsError: The keys cannot be used.
    """
    if settings.model_signing_key is None:
        return Signatures()
    try:
        return Signatures.of(settings.model_signing_key)
    except UnusableSigningKeys as error:
        raise SettingsError(f"MODEL_SIGNING_KEY: {error}") from error


def open_model_store(store: ModelStore, signatures: Signatures = _UNSIGNED) -> ModelArchive:
    """Return the repository that the settings name."""
    match store:
        case FilesystemStore(model_artifact_dir=folder):
            return FilesystemModels(folder, signatures)
        case S3Store(model_bucket=bucket, model_prefix=prefix):
            return S3Models(S3Bucket(s3_client(), bucket), prefix, signatures)
        case _:
            assert_never(store)


def prove_model_store(models: ModelRepository) -> None:
    """Refuse a store that would let versions overwrite each other, before anything is served from it.

    Raises:
        UnusableModelStore: It does.
    """
    if not isinstance(models, S3Models):
        return
    try:
        models.prove()
    except ModelStoreUnavailable as error:
        if isinstance(error, UnusableModelStore):
            raise
        # It is proved before the first write at the latest: one who may only read can still serve, and one
        # who starts while S3 is away is ready when it is back.
        _log.warning("model store not proved", error=str(error))


def open_keys(settings: Settings) -> KeyRing | None:
    """Return the keys of those that may call over HTTP; None for anybody.

    Raises:
        SettingsError: There are none where there must be some, or they cannot be used.
    """
    if settings.auth == "off":
        if settings.api_keys is not None:
            _log.warning("AUTH=off: anybody may call, API_KEYS is not looked at")
        return None
    if settings.api_keys is None:
        if settings.auth is None and settings.environment == "development":
            return None
        raise SettingsError(
            "API_KEYS: expected a JSON list of keys or the path of one, got none; AUTH=off would let anybody "
            "call, as ENVIRONMENT=development does unless AUTH=on"
        )
    try:
        return KeyRing(settings.api_keys)
    except UnusableKeys as error:
        raise SettingsError(f"API_KEYS: {error}") from error


def describe_http(settings: Settings) -> HttpOptions:
    """Return how the settings want the API to present and limit itself."""
    return HttpOptions(
        version=__version__,
        environment=settings.environment,
        cors_origins=settings.cors_origins,
        allowed_hosts=settings.allowed_hosts,
        max_concurrent_requests=settings.max_concurrent_requests,
        training_slots=settings.training_slots,
        training_queue=settings.training_queue,
        asyncapi=encoded_document(__version__),
    )


def read_bodies(settings: Settings) -> Bodies:
    """Return what reads bodies as large as the settings want."""
    return Bodies(settings.max_body_bytes, settings.bodies_bytes)


def describe_connections(settings: Settings) -> ConnectionLimits:
    """Return what the settings allow callers ahead of a body, and how long."""
    return ConnectionLimits(
        settings.max_header_bytes,
        settings.max_headers,
        settings.header_seconds,
        settings.body_seconds,
        settings.keep_alive_seconds,
    )


def describe_messages(settings: Settings) -> MessageLimits:
    """Return what the settings allow one message to hold."""
    return MessageLimits(
        settings.max_records, settings.max_features, settings.max_line_bytes, settings.max_nesting
    )


def drive_http(  # noqa: PLR0913, PLR0917  # all that the API drives
    train_model: TrainModel,
    score_telemetry: ScoreTelemetry,
    promote_version: PromoteVersion,
    models: CachedModels,
    examination: Examination,
    bodies: Bodies,
    metrics: RequestMetrics,
    limits: MessageLimits,
    stopping: Stopping,
) -> HttpParts:
    """Return what the API drives."""
    return HttpParts(
        train_model,
        score_telemetry,
        promote_version,
        models,
        models.at_hand,
        examination.degraded,
        examination.examine,
        bodies,
        tell_requests(),
        metrics,
        trace_requests(os.environ),
        limits,
        stopping,
    )


def trace_requests(environ: Mapping[str, str]) -> Callable[[ASGIApp], ASGIApp] | None:
    """Return what puts a span around each request, or None if there are no traces."""
    if not are_traces_on(environ):
        return None
    from vehicle_anomaly.adapters.inbound.http.tracing import traced  # noqa: PLC0415  # most trace nothing

    return traced


def tell_requests() -> Tell | None:
    """Return what writes a line of the log for a request, or None if LOG_LEVEL leaves those out."""
    logger = HttpParts.__module__.rpartition(".")[0]
    if not logging.getLogger(logger).isEnabledFor(logging.INFO):
        return None
    if not sys.stderr.isatty():
        # As structlog would, in a fiftieth of the time.
        return EventLines(sys.stderr.fileno(), logger).info
    log = structlog.get_logger(logger)
    return lambda event, fields: log.info(event, **fields)


def drive_queue(
    train_model: TrainModel,
    score_telemetry: ScoreTelemetry,
    models: ModelRepository,
    settings: Settings,
    registry: CollectorRegistry,
) -> WorkerParts:
    """Return what the queue worker works with.

    Raises:
        SettingsError: A queue is not named, or one is named for both.
        QueueUnusable: A queue does not exist, or boto3 cannot make its clients.
    """
    request_queue_url = _required("REQUEST_QUEUE_URL", settings.request_queue_url)
    result_queue_url = _required("RESULT_QUEUE_URL", settings.result_queue_url)
    if request_queue_url == result_queue_url:
        raise SettingsError("RESULT_QUEUE_URL: expected another queue than REQUEST_QUEUE_URL, got the same")
    clients: Clients = connect()
    max_message_bytes(clients.sqs, request_queue_url, "REQUEST_QUEUE_URL")
    requests = RequestQueue(
        request_queue_url, clients.sqs, clients.poller, settings.worker_visibility_seconds
    )
    limit = max_message_bytes(clients.sqs, result_queue_url, "RESULT_QUEUE_URL")
    return WorkerParts(
        requests=requests,
        results=ResultQueue(result_queue_url, clients.sqs, limit),
        payloads=Payloads(clients.s3, settings.max_body_bytes, settings.result_payload_bucket),
        handlers=Handlers(train_model, score_telemetry, describe_messages(settings)),
        objects=ScoreObjects(clients.s3, score_telemetry, models, describe_objects(settings)),
        tracing=QueueTracing(requests.name),
        metrics=QueueMetrics(registry, max_receives(clients.sqs, request_queue_url)),
    )


def tell_worker_metrics(settings: Settings, registry: CollectorRegistry) -> None:
    """Let the worker's metrics be read, if the settings name a port.

    Raises:
        SettingsError: It cannot be listened on.
    """
    if settings.metrics_port is None:
        return
    try:
        url = serve_metrics(registry, settings.host, settings.metrics_port)
    except OSError as error:
        where = f"port {settings.metrics_port} of {settings.host}"
        raise SettingsError(f"METRICS_PORT: cannot listen on {where}: {error.strerror}") from error
    _log.info("metrics", url=url)


def watch_models(models: ModelRepository, store: ModelStore, metrics: ServiceMetrics) -> WatchedModels:
    """Return the store, its operations timed and counted."""
    kind = str(store.__struct_config__.tag)
    counted = partial(metrics.store_operation, kind)
    if not are_traces_on(os.environ):
        return WatchedModels(models, counted)
    from vehicle_anomaly.adapters.outbound.tracing import store_operation  # noqa: PLC0415  # most trace nothing

    return WatchedModels(models, _both(partial(store_operation, kind), counted))


def watch_training(metrics: ServiceMetrics) -> WatchTraining:
    """Return what counts and traces trainings."""
    if not are_traces_on(os.environ):
        return metrics.training
    from vehicle_anomaly.adapters.outbound.tracing import training  # noqa: PLC0415  # most trace nothing

    return _both(training, metrics.training)


def make_score_telemetry(*parts: Any) -> ScoreTelemetry:
    """Make the use case of its attributes, in their order; in spans if there are traces."""
    if not are_traces_on(os.environ):
        return ScoreTelemetry(*parts)
    from vehicle_anomaly.adapters.outbound.tracing import TracedScoreTelemetry  # noqa: PLC0415  # most trace nothing

    return TracedScoreTelemetry(*parts)


def _both(
    outer: Callable[[Subject], AbstractContextManager[object]],
    inner: Callable[[Subject], AbstractContextManager[object]],
) -> Callable[[Subject], AbstractContextManager[object]]:
    @contextmanager
    def around(subject: Subject) -> Iterator[None]:
        with outer(subject), inner(subject):
            yield

    return around


def describe_objects(settings: Settings) -> ObjectOptions:
    """Return which objects the settings want to be scored.

    Raises:
        SettingsError: There could be none.
    """
    results_prefix = settings.results_prefix.rstrip("/") + "/"
    if settings.score_object_prefix.startswith(results_prefix):
        raise SettingsError(
            f"SCORE_OBJECT_PREFIX: expected no prefix under RESULTS_PREFIX, {results_prefix!r}, of which "
            f"nothing is ever scored, got {settings.score_object_prefix[:80]!r}"
        )
    return ObjectOptions(
        settings.score_object_prefix, results_prefix, ModelName(settings.score_object_model_name)
    )


def sharing(environ: Mapping[str, str]) -> Callable[[TrainedModel], TrainedModel]:
    """Return what shares models with the other workers, if there are any."""
    folder = environ.get(SHARED_FOLDER)
    return SharedArrays(Path(folder)).share if folder else lambda model: model


def describe_worker(settings: Settings) -> WorkerOptions:
    """Return how much the settings want a worker to take on."""
    return WorkerOptions(
        concurrency=settings.worker_concurrency,
        training_slots=settings.training_slots,
        training_queue=settings.training_queue,
        drain_seconds=settings.worker_drain_seconds,
        retry_seconds=settings.worker_retry_seconds,
    )


def available_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_or_processors(n_threads: int) -> int:
    """Return how many threads the settings want; for 0, one for each processor."""
    return n_threads or available_processors()


def _required(variable: str, value: str | None) -> str:
    if value is None:
        raise SettingsError(f"{variable}: expected the URL of a queue, got none; `work` needs it")
    return value


class Container(containers.DeclarativeContainer):
    """The parts of one process. `settings` must be given; any other provider may be overridden."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    clock: providers.Provider[Clock] = providers.Singleton(SystemClock)
    signatures: providers.Provider[Signatures] = providers.Singleton(open_signatures, settings)
    model_store: providers.Provider[ModelRepository] = providers.Singleton(
        open_model_store, settings.provided.model_store, signatures
    )
    # All that is counted in this process.
    registry: providers.Provider[CollectorRegistry] = providers.Singleton(CollectorRegistry)
    metrics: providers.Provider[ServiceMetrics] = providers.Singleton(ServiceMetrics, registry)
    watched_store: providers.Provider[WatchedModels] = providers.Singleton(
        watch_models, model_store, settings.provided.model_store, metrics
    )
    models: providers.Provider[CachedModels] = providers.Singleton(
        CachedModels,
        watched_store,
        settings.provided.model_refresh_seconds,
        settings.provided.model_cache_size,
        share=providers.Callable(sharing, os.environ),
        tell_latest=metrics.provided.latest,
    )
    # Apart from those that answer: what waits behind a training there waits for seconds.
    training_threads: providers.Provider[ScoringThreads] = providers.Singleton(
        ScoringThreads, providers.Callable(available_processors)
    )
    train_model: providers.Provider[TrainModel] = providers.Singleton(
        TrainModel,
        models,
        clock,
        settings.provided.forest_parameters,
        settings.provided.guard_parameters,
        training_threads,
        settings.provided.auto_promote,
        providers.Callable(watch_training, metrics),
    )
    promote_version: providers.Provider[PromoteVersion] = providers.Singleton(PromoteVersion, models, clock)
    scoring_threads: providers.Provider[ScoringThreads] = providers.Singleton(
        ScoringThreads, providers.Callable(threads_or_processors, settings.provided.scoring_threads)
    )
    score_telemetry: providers.Provider[ScoreTelemetry] = providers.Singleton(
        make_score_telemetry,
        models,
        settings.provided.guarded,
        scoring_threads,
        settings.provided.explain,
        metrics,
    )
    # One ring for a process: how often a key has called is counted in it.
    keys: providers.Provider[KeyRing | None] = providers.Singleton(open_keys, settings)
    bodies: providers.Provider[Bodies] = providers.Singleton(read_bodies, settings)
    request_metrics: providers.Provider[RequestMetrics] = providers.Singleton(RequestMetrics, registry)
    stopping: providers.Provider[Stopping] = providers.Singleton(
        Stopping, settings.provided.shutdown_delay_seconds, settings.provided.drain_seconds
    )
    http_app = providers.Singleton(
        create_app,
        providers.Callable(
            drive_http,
            train_model,
            score_telemetry,
            promote_version,
            models,
            providers.Singleton(Examination, models, watched_store, settings.provided.model_refresh_seconds),
            bodies,
            request_metrics,
            providers.Callable(describe_messages, settings),
            stopping,
        ),
        providers.Callable(describe_http, settings),
        keys,
    )
    http_server: providers.Provider[HttpServer] = providers.Factory(
        HttpServer,
        http_app,
        settings.provided.host,
        settings.provided.port,
        stopping,
        providers.Callable(describe_connections, settings),
        request_metrics.provided.count_refused,
    )
    worker: providers.Provider[Worker] = providers.Factory(
        Worker,
        providers.Callable(drive_queue, train_model, score_telemetry, models, settings, registry),
        providers.Callable(describe_worker, settings),
    )
