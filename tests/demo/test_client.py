"""The calls, against answers that are given."""

import json
from collections.abc import Callable

import httpx
import pytest

from tests.demo.trips import a_trip
from vehicle_anomaly.demo import client
from vehicle_anomaly.demo.sensors import FEATURE_NAMES


def service(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(base_url="http://service", transport=httpx.MockTransport(answer))


def test_training_sends_every_reading_of_every_trip_with_the_names() -> None:
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/ingest"
        sent.append(json.loads(request.content))
        return httpx.Response(201, json={"record_count": 7})

    with service(answer) as http:
        client.train(http, [a_trip(1, 3), a_trip(2, 4)])

    (body,) = sent
    assert body["feature_names"] == list(FEATURE_NAMES)
    assert [record["vehicle_id"] for record in body["records"]] == ["vehicle-01"] * 3 + ["vehicle-02"] * 4
    assert body["records"][1]["timestamp"] == "2026-03-02T06:30:01Z"
    assert body["records"][1]["feature_vector"] == a_trip(1, 3).values[1].tolist()


def test_verdicts_become_arrays_in_order() -> None:
    told = [[], [{"code": "isolation", "feature": None}], []]
    results = [
        {"anomaly_score": score, "is_anomaly": score < 0, "reasons": reasons}
        for score, reasons in zip((0.1, -0.2, 0.3), told, strict=True)
    ]

    with service(lambda _: httpx.Response(200, json={"results": results})) as http:
        scored = client.score_trip(http, a_trip(1, 3), None)

    assert scored.scores.tolist() == [0.1, -0.2, 0.3]
    assert scored.flagged.tolist() == [False, True, False]
    assert scored.reasons == told


@pytest.mark.parametrize(
    ("response", "told"),
    [
        (
            httpx.Response(
                400,
                json={"detail": "records[0]: no"},
                headers={"content-type": "application/problem+json"},
            ),
            "POST /score: 400: records[0]: no",
        ),
        (httpx.Response(502, text="bad gateway"), "POST /score: 502: bad gateway"),
    ],
)
def test_a_problem_is_told_with_the_call(response: httpx.Response, told: str) -> None:
    with service(lambda _: response) as http, pytest.raises(client.CallFailed) as failure:
        client.score_reading(http, {})

    assert str(failure.value) == told


def test_no_answer_is_told_with_the_call() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with service(refuse) as http, pytest.raises(client.CallFailed, match="POST /score: connection refused"):
        client.score_reading(http, {})
