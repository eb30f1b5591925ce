"""The calls, as any caller of the service would make them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vehicle_anomaly.demo.faults import Injection
from vehicle_anomaly.demo.fleet import Trip
from vehicle_anomaly.demo.scored import ScoredTrip
from vehicle_anomaly.demo.sensors import FEATURE_NAMES

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]


class CallFailed(Exception):
    """The service answered with a problem, or not at all; the message says which call and why."""


def train(http: "httpx.Client", trips: Sequence[Trip]) -> Json:
    """`POST /ingest` all readings of all trips at once.

    Returns:
        The answer.

    Raises:
        CallFailed: The service answered with a problem, or not at all.
    """
    records = [record for trip in trips for record in records_of(trip)]
    return _call(http, "/ingest", {"feature_names": FEATURE_NAMES, "records": records})


def score_trip(http: "httpx.Client", trip: Trip, injection: Injection | None) -> ScoredTrip:
    """`POST /score/batch` all readings of a trip.

    Raises:
        CallFailed: The service answered with a problem, or not at all.
    """
    verdicts = _call(http, "/score/batch", {"records": records_of(trip)})["results"]
    return ScoredTrip(
        trip,
        injection,
        scores=np.array([verdict["anomaly_score"] for verdict in verdicts], np.float64),
        flagged=np.array([verdict["is_anomaly"] for verdict in verdicts], np.bool_),
        reasons=[verdict["reasons"] for verdict in verdicts],
    )


def score_reading(http: "httpx.Client", reading: Json) -> Json:
    """`POST /score` one reading.

    Returns:
        The verdict.

    Raises:
        CallFailed: The service answered with a problem, or not at all.
    """
    return _call(http, "/score", reading)


def named_reading(trip: Trip, second: int) -> Json:
    """One reading of a trip as `POST /score` takes it, its values by name."""
    return {
        "vehicle_id": trip.vehicle_id,
        "timestamp": _rfc3339(trip.timestamps[second]),
        "features": dict(zip(FEATURE_NAMES, trip.values[second].tolist(), strict=True)),
    }


def records_of(trip: Trip) -> list[Json]:
    """The readings of a trip as `records` of a request."""
    return [
        {"vehicle_id": trip.vehicle_id, "timestamp": _rfc3339(moment), "feature_vector": vector}
        for moment, vector in zip(trip.timestamps, trip.values.tolist(), strict=True)
    ]


def _rfc3339(moment: np.datetime64) -> str:
    return f"{moment.astype('datetime64[s]')}Z"


def _call(http: "httpx.Client", path: str, body: Json) -> Json:
    # matplotlib, plotext and httpx are the extra `demo`; the other commands do not have them.
    import httpx  # noqa: PLC0415

    try:
        response = http.post(path, json=body)
    except httpx.TransportError as error:
        raise CallFailed(f"POST {path}: {error}") from error
    if response.is_error:
        raise CallFailed(f"POST {path}: {response.status_code}: {_detail(response)}")
    answer: Json = response.json()
    return answer


def _detail(response: "httpx.Response") -> str:
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        return str(response.json()["detail"])
    return response.text[:300]
