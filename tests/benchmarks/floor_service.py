"""The real service with more routes, beside which `/score` is measured.

`/floor` scores nothing, `/litestar` does the same through Litestar's request and response, and `/joblib`
loads the estimator per request. All stand in the same application, behind the same middleware, and take and
give the same types as `/score`. Run as a process: `python -m tests.benchmarks.floor_service`, with the
environment of `serve`, and `BENCH_VARIANT`, one of `floor_variants.VARIANTS`.
"""

import os
from pathlib import Path
from typing import Final, cast

import joblib
import msgspec
import numpy as np
from litestar import Response, asgi, post
from litestar.handlers import HTTPRouteHandler
from litestar.types import HTTPScope, Receive, Scope, Send

from tests.benchmarks.floor_variants import VARIANTS
from vehicle_anomaly.adapters.inbound.http.bodies import Bodies
from vehicle_anomaly.adapters.inbound.http.negotiation import (
    HttpRequest,
    answer_to,
    encoding_of,
    request_encoding,
)
from vehicle_anomaly.adapters.inbound.http.watching import note_model
from vehicle_anomaly.adapters.inbound.wire import decoding
from vehicle_anomaly.adapters.inbound.wire.answers import VerdictResponse
from vehicle_anomaly.adapters.inbound.wire.readings import MAX_RECORD_BYTES
from vehicle_anomaly.adapters.inbound.wire.requests import ScoreRequest
from vehicle_anomaly.container import Container
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME
from vehicle_anomaly.observability import configure_logging
from vehicle_anomaly.settings import load_settings

_BODIES: Final = Bodies(MAX_RECORD_BYTES, MAX_RECORD_BYTES)
_VERSION: Final = "20261124000000000000-000000000000"


@asgi("/floor", copy_scope=False)
async def floor(scope: Scope, receive: Receive, send: Send) -> None:
    """Decode as strictly as `/score`, score nothing, encode an answer as long."""
    http = cast("HTTPScope", scope)
    asked = decoding.SCORE[encoding_of(http)](await _BODIES.read(http, receive))
    told = _verdict(asked)
    note_model(http, told.model_name, told.model_version)
    await answer_to(http, told)(scope, receive, send)


@post("/litestar", status_code=200)
async def litestar(request: HttpRequest) -> Response[bytes]:
    """Do the same with what Litestar gives and takes."""
    asked = decoding.SCORE[request_encoding(request)](await _BODIES.read(request.scope, request.receive))
    content = msgspec.json.encode(_verdict(asked))
    return Response(content, media_type="application/json", headers={"Vary": "Accept"})


def _verdict(asked: ScoreRequest) -> VerdictResponse:
    return VerdictResponse(
        vehicle_id=asked.vehicle_id,
        timestamp=asked.timestamp,
        model_name=asked.model_name,
        model_version=_VERSION,
        anomaly_score=0.07123456789012345,
        is_anomaly=False,
        missing=(),
        percentile=0.41273,
    )


def joblib_route(folder: Path) -> HTTPRouteHandler:
    """Return the route of a service that keeps nothing in memory."""

    @post("/joblib", status_code=200, sync_to_thread=True)
    def score(data: dict[str, object]) -> dict[str, object]:
        version = (folder / DEFAULT_MODEL_NAME.value / "LATEST").read_text().strip()
        estimator = joblib.load(folder / DEFAULT_MODEL_NAME.value / version / "model.joblib")
        X = np.array([data["feature_vector"]])
        return {
            "vehicle_id": data["vehicle_id"],
            "timestamp": data["timestamp"],
            "model_name": DEFAULT_MODEL_NAME.value,
            "model_version": version,
            "anomaly_score": float(estimator.decision_function(X)[0]),
            "is_anomaly": bool(estimator.predict(X)[0] == -1),
            "missing": [],
        }

    return score


def main() -> None:
    """Serve until told to stop."""
    settings = load_settings(os.environ)
    configure_logging(settings.log_level)
    container = Container(settings=settings)
    apply = VARIANTS[os.environ.get("BENCH_VARIANT", "default")]
    with apply(container):
        app = container.http_app()
        app.register(floor)
        app.register(litestar)
        app.register(joblib_route(Path(os.environ["MODEL_ARTIFACT_DIR"])))
        container.http_server().run()


if __name__ == "__main__":
    main()
