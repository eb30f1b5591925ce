"""`POST /score` beside routes of the same service, and what each of its layers costs."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.benchmarks.floor_variants import VARIANTS
from tests.benchmarks.http_services import floor_service, reading, train
from tests.benchmarks.load import CONNECTIONS, Load, generator, post
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
    """Measure the ratios, for seconds."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _beside_routes(Path(folder) / "models", rounds=3, seconds=2)


def _beside_routes(store: Path, rounds: int, seconds: float) -> Iterator[Row]:
    body = reading()
    with floor_service(store) as url:
        train(url)
        for route in ("score", "floor"):
            post(f"{url}/{route}", body, 1)
        score: list[Load] = []
        floor: list[Load] = []
        joblib: list[Load] = []
        for each in range(rounds):
            score.append(post(f"{url}/score", body, seconds))
            floor.append(post(f"{url}/floor", body, seconds))
            if each < 3:
                joblib.append(post(f"{url}/joblib", body, seconds))
    ours = _rate(score)
    yield Row.of_rates(
        _SCORE,
        ours,
        _rate(floor),
        unit="requests/s",
        peer=_FLOOR,
        bars=(at_least(0.75),),
        note=f"by {generator()}",
    )
    yield Row.of_rates(_SCORE, ours, _rate(joblib), unit="requests/s", peer=_JOBLIB, bars=(at_least(300),))
    for name in ("p50", "p99"):
        yield Row(f"the same, {name}", Sample.of([getattr(load, name) for load in score]), "ms")


def _layers(store: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """Measure what a request costs with and without a layer, in turn, in processes of their own."""
    body = reading()
    with ExitStack() as running:
        urls = {name: running.enter_context(floor_service(store, BENCH_VARIANT=name)) for name in VARIANTS}
        routes = {name: f"{url}/score" for name, url in urls.items()}
        routes |= {route: f"{urls['default']}/{route}" for route in ("floor", "litestar")}
        took: dict[str, list[float]] = {name: [] for name in routes}
        for each in range(rounds + 1):
            for name, url in routes.items():
                microseconds = 1e6 / post(url, body, seconds).per_second
                # The first round warms up.
                if each:
                    took[name].append(microseconds)
    whole = Sample.of(took["default"])
    yield Row("a request, all of it", whole, "µs", note="1 / requests a second")
    yield _difference("of it: scoring, its command and its verdict", took["default"], took["floor"])
    yield _difference("of it: metrics", took["default"], took["without metrics"])
    yield _difference(
        "a JSON line a request by structlog would add",
        took["with a log line"],
        took["default"],
        "off: requests are not logged yet",
    )
    yield _difference(
        "an OpenTelemetry span a request would add",
        took["with a span"],
        took["default"],
        "off: HTTP is not traced yet; measured with the SDK, batched, and an exporter that drops",
    )
    yield _difference(
        "Litestar's request and response would add", took["litestar"], took["floor"], "`/score` goes without"
    )


def _difference(what: str, more: list[float], less: list[float], note: str = "") -> Row:
    return Row(what, Sample.of([one - other for one, other in zip(more, less, strict=True)]), "µs", note=note)


def _rate(loads: list[Load]) -> Sample:
    return Sample.of([load.per_second for load in loads])


TABLE = Table("http_path", "One reading over HTTP, 200 trees × 8 features", measure, quick)
