"""`POST /score` beside routes of the same service, and what each of its layers costs."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.benchmarks.floor_variants import VARIANTS
from tests.benchmarks.http_services import Service, floor_service, reading, train
from tests.benchmarks.load import CONNECTIONS, Load, generator, post, post_once
from tests.benchmarks.machine import cpu_seconds
from tests.benchmarks.measure import Plot, Row, Sample, Table, at_least

_SCORE: Final = f"`POST /score`, {CONNECTIONS} connections, one process, default settings"
_FLOOR: Final = "a route of the same app, middleware, body and answer types that scores nothing"
_JOBLIB: Final = "a route that loads a joblib per request"


def measure() -> Iterator[Row | Plot]:
    """Measure all."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "models"
        yield from _beside_routes(store, rounds=7, seconds=4)
        yield from _layers(store, rounds=5, seconds=2)


def quick() -> Iterator[Row]:
    """Measure the ratios of what a request takes of the processor, for seconds."""
    body = reading()
    routes = ("score", "floor", "joblib")
    with tempfile.TemporaryDirectory() as folder, floor_service(Path(folder) / "models") as service:
        train(service.url)
        for route in routes:
            # The first estimator that is loaded takes seconds.
            post_once(f"{service.url}/{route}", body)
        cpu = {route: Sample.of([_asked(service, route, body, 2)[0] for _ in range(3)]) for route in routes}
    yield Row.of_times(
        "CPU of a reading over HTTP", cpu["score"], cpu["floor"], peer=_FLOOR, bars=(at_least(0.75),)
    )
    yield Row.of_times(
        "CPU of a reading over HTTP", cpu["score"], cpu["joblib"], peer=_JOBLIB, bars=(at_least(300),)
    )


def _beside_routes(store: Path, rounds: int, seconds: float) -> Iterator[Row]:
    body = reading()
    with floor_service(store) as service:
        train(service.url)
        routes = {name: f"{service.url}/{name}" for name in ("score", "floor", "joblib")}
        loads: dict[str, list[Load]] = {name: [] for name in routes}
        for each in range(rounds + 1):
            for name, url in routes.items():
                # The first round warms up, for as long: the first estimator that is loaded takes a second or
                # more. What takes a tenth of a second needs no more than three.
                if name != "joblib" or each <= 3:
                    load = post(url, body, seconds)
                    loads[name] += [load] if each else []
    ours = _rate(loads["score"])
    yield Row.of_rates(
        _SCORE,
        ours,
        _rate(loads["floor"]),
        unit="requests/s",
        peer=_FLOOR,
        bars=(at_least(0.75),),
        note=f"load by {generator()}",
    )
    yield Row.of_rates(
        _SCORE, ours, _rate(loads["joblib"]), unit="requests/s", peer=_JOBLIB, bars=(at_least(300),)
    )


def _layers(store: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """Measure what a request takes of the processor with and without a layer, in processes of their own."""
    body = reading()
    with ExitStack() as running:
        services = {
            name: running.enter_context(floor_service(store, BENCH_VARIANT=name)) for name in VARIANTS
        }
        routes = {name: (service, "score") for name, service in services.items()}
        routes |= {route: (services["default"], route) for route in ("floor", "litestar")}
        took: dict[str, list[float]] = {name: [] for name in routes}
        loads: dict[str, list[Load]] = {name: [] for name in routes}
        for each in range(rounds + 1):
            for name, (service, route) in routes.items():
                seconds_each, load = _asked(service, route, body, seconds)
                # The first round warms up.
                if each:
                    took[name].append(1e6 * seconds_each)
                    loads[name].append(load)
    # Not of the process above: what a joblib leaves behind is collected while others are answered.
    for quantile in ("p50", "p99"):
        for route, name in (("score", "default"), ("floor", "floor")):
            waited = Sample.of([getattr(load, quantile) for load in loads[name]])
            yield Row(f"`/{route}`, {quantile} under that load", waited, "ms", in_readme=True)
    for route, name in (("score", "default"), ("floor", "floor")):
        yield Row(f"CPU of a `/{route}` request, all of it", Sample.of(took[name]), "µs", in_readme=True)
    yield _difference("of `/score`: scoring, its command and its verdict", took["default"], took["floor"])
    yield _difference("of `/score`: metrics", took["default"], took["without metrics"])
    yield _difference("of `/score`: its line in the log", took["default"], took["without a log line"])
    yield _difference(
        "the same line by structlog would add",
        took["with a log line by structlog"],
        took["without a log line"],
        "through the standard library's logging, as rare events go",
    )
    yield _difference(
        "an OpenTelemetry span a request would add",
        took["with a span"],
        took["default"],
        "the SDK's, batched, with an exporter that drops; off unless an endpoint is set",
    )
    yield _difference(
        "Litestar's request and response would add", took["litestar"], took["floor"], "`/score` goes without"
    )


def _asked(service: Service, route: str, body: bytes, seconds: float) -> tuple[float, Load]:
    """Return what a request took of the processor, in seconds, and what the callers saw."""
    before = cpu_seconds(service.pid)
    load = post(f"{service.url}/{route}", body, seconds)
    return (cpu_seconds(service.pid) - before) / load.requests, load


def _difference(what: str, more: list[float], less: list[float], note: str = "") -> Row:
    told = Sample.of([one - other for one, other in zip(more, less, strict=True)])
    return Row(what, told, "µs", note=note, in_readme=True)


def _rate(loads: list[Load]) -> Sample:
    return Sample.of([load.per_second for load in loads])


TABLE = Table("http_path", "One reading over HTTP, 200 trees × 8 features", measure, quick)
