"""Whatever is sent: a status of the contract that names the place, and nothing is changed by it."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.adapters.inbound.http.service import BATCH, READING, Service, problem_in, reading, running
from vehicle_anomaly.adapters.inbound.http.openapi_examples import PROBLEMS

LARGE = 50 * 1024 * 1024
DEEP = 100_000


@pytest.fixture(autouse=True)
def _nothing_is_changed(service: Service) -> Iterator[None]:
    before = service.files()
    yield
    assert service.files() == before
    assert service.still_scores()


def _in_chunks() -> Iterator[bytes]:
    for _ in range(50):
        yield bytes(LARGE // 50)


@pytest.mark.parametrize(
    "version",
    ["", "\0", "v\0", ".", "..", "../x", "a/b", "%2e%2e", "v" * 129, "v\n", "ü", "-v", "LATEST"],
)
@pytest.mark.parametrize("path", ["/ingest", "/score", "/score/batch", "/models/default/latest"])
def test_a_bad_version_in_a_body(service: Service, path: str, version: str) -> None:
    body = {"model_version": version}
    body |= {"/score": READING, "/models/default/latest": {}}.get(path, BATCH)
    method = "PUT" if path.endswith("latest") else "POST"
    told = problem_in(service.client.request(method, path, json=body))
    assert (told.status, told.type.rpartition(":")[2]) == (400, "invalid-model-version")
    assert told.detail.startswith("model_version: ")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/score", "model_name"),
        ("/score", "model_version"),
        ("/score/batch", "model_version"),
        ("/ingest", "model_name"),
        ("/ingest", "false_alarm_rate"),
    ],
)
def test_what_stands_in_the_query_in_place_of_the_body_is_refused(
    service: Service, path: str, name: str
) -> None:
    body = READING if path == "/score" else BATCH
    told = problem_in(service.client.post(path, params={name: "0.5"}, json=body))
    assert told.status == 400
    assert told.detail.startswith(f"{name}: ")
    assert "put it into the body" in told.detail


@pytest.mark.parametrize("media_type", ["application/json", "application/msgpack"])
@pytest.mark.parametrize(
    ("path", "query", "detail"),
    [
        ("/score", "explian=always", "explian: unknown parameter, expected explain"),
        ("/score/batch", "explian=always", "explian: unknown parameter, expected explain"),
        ("/score", "explain=always&verbose=", "verbose: unknown parameter, expected explain"),
        ("/score", "explain=always&explain=never", "explain: stands twice in the query"),
        ("/score/batch", "explain=always&explain=always", "explain: stands twice in the query"),
        ("/ingest", "explain=always", "explain: unknown parameter, expected none"),
    ],
)
def test_what_nobody_knows_in_the_query_or_stands_there_twice_is_refused(
    service: Service, path: str, query: str, detail: str, media_type: str
) -> None:
    body = READING if path == "/score" else BATCH
    encoded = json.dumps(body).encode() if media_type.endswith("json") else msgspec.msgpack.encode(body)
    told = problem_in(
        service.client.post(f"{path}?{query}", content=encoded, headers={"Content-Type": media_type})
    )
    assert (told.status, told.type.rpartition(":")[2]) == (400, "malformed-message")
    assert told.detail == detail


@pytest.mark.parametrize("path", ["/score", "/score/batch"])
def test_the_query_says_what_is_explained_unless_the_body_does(service: Service, path: str) -> None:
    body = READING if path == "/score" else BATCH

    def explained(params: dict[str, str], **said: str) -> bool:
        told = service.client.post(path, params=params, json={**body, **said}).json()
        return (told.get("results", [told])[0])["explanation"] is not None

    assert explained({"explain": "always"})
    assert not explained({"explain": "never"})
    assert not explained({"explain": "always"}, explain="never")
    for said in ({}, {"explain": "never"}):
        wrong = service.client.post(path, params={"explain": "sometimes"}, json={**body, **said})
        told = problem_in(wrong)
        assert (told.status, told.detail.partition(":")[0]) == (400, "explain")


@pytest.mark.parametrize(
    "name", ["%00", "%2e", "%2e%2e", "%252e", "%C3%A9", "%FF", "n" * 65, "%20", "a%0A", "~"]
)
@pytest.mark.parametrize("suffix", ["", "/versions/v1", "/latest"])
def test_a_bad_name_in_a_path(service: Service, name: str, suffix: str) -> None:
    method, body = ("PUT", {"model_version": "v1"}) if suffix == "/latest" else ("GET", None)
    told = problem_in(service.client.request(method, f"/models/{name}{suffix}", json=body))
    assert (told.status, told.type.rpartition(":")[2]) == (400, "invalid-model-name")


@pytest.mark.parametrize("version", ["%00", "%2e%2e", "%252e", "%FF", "v" * 129, "latest"])
def test_a_bad_version_in_a_path(service: Service, version: str) -> None:
    told = problem_in(service.client.get(f"/models/default/versions/{version}"))
    assert (told.status, told.type.rpartition(":")[2]) == (400, "invalid-model-version")


@pytest.mark.parametrize(
    "path", ["/models/..%2f..%2fetc", "/models/default/versions/a%2Fb", "/models/%2fetc%2fpasswd"]
)
def test_a_slash_that_is_written_as_a_number_names_nothing(service: Service, path: str) -> None:
    assert problem_in(service.client.get(path)).status in (400, 404)


@pytest.mark.parametrize(
    ("path", "most"), [("/ingest", 33_554_432), ("/score", 4_194_304), ("/score/batch", 33_554_432)]
)
def test_a_large_body(service: Service, path: str, most: int) -> None:
    response = service.post(path, bytes(LARGE))
    assert response.json() == PROBLEMS[413]["too large a reading" if path == "/score" else "too large"]
    assert problem_in(response).status == 413


def test_a_large_body_in_chunks(service: Service) -> None:
    for path, limit in (("/ingest", 33_554_432), ("/score/batch", 33_554_432), ("/score", 4_194_304)):
        told = problem_in(service.client.post(path, content=_in_chunks()))
        assert told.status == 413
        assert told.detail.startswith(f"body: expected at most {limit} bytes")


def test_the_limit_that_is_set_is_told(tmp_path: Path) -> None:
    compare = "/models/default/versions/v1/compare"
    with running(tmp_path, max_body_bytes=1000) as small:
        for path in ("/ingest", "/score", "/score/batch", compare):
            told = problem_in(small.post(path, bytes(1001)))
            assert (told.status, told.detail) == (413, "body: expected at most 1000 bytes (MAX_BODY_BYTES)")
        promotion = small.client.put("/models/default/latest", content=bytes(1001))
        assert problem_in(promotion).detail == "body: expected at most 1000 bytes (MAX_BODY_BYTES)"


def test_a_large_body_of_a_caller_that_does_not_listen_before_all_is_sent(service: Service) -> None:
    head = f"POST /ingest HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {LARGE}\r\n\r\n"
    assert service.exchange(head.encode() + bytes(LARGE)).startswith(b"HTTP/1.1 413 ")


def test_a_large_body_is_refused_by_its_length_before_it_is_sent(service: Service) -> None:
    head = b"POST /ingest HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10000000000000\r\n\r\n"
    assert service.exchange(head).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "x"],
)
def test_a_wrong_content_type(service: Service, content_type: str) -> None:
    told = problem_in(service.post("/score", reading(), content_type=content_type))
    assert told.status == 415
    assert told.detail.startswith("Content-Type: ")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_a_content_type_with_parameters_or_in_capitals_is_no_other(
    service: Service, content_type: str
) -> None:
    assert service.post("/score", reading(), content_type=content_type).status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_a_compressed_body(service: Service, encoding: str) -> None:
    told = problem_in(service.post("/score", gzip.compress(reading()), content_encoding=encoding))
    assert told.status == 415
    assert told.detail.startswith("Content-Encoding: ")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "body"),
        (b"null", "body"),
        (b"[]", "body"),
        (b"\xef\xbb\xbf" + reading(), "body"),
        (reading().decode().encode("utf-16"), "body"),
        (reading()[:-1], "body"),
        (reading() + b" x", "body"),
        (reading() + reading(), "body"),
        (b"[" * DEEP, "body"),
        (b'{"vehicle_id":' * DEEP, "vehicle_id"),
        (reading()[:-1] + b',"x":' + b"[" * DEEP, "x"),
        (reading(feature_vector=0).replace(b"0}", b"[" * DEEP + b"]" * DEEP + b"}"), "feature_vector[0]"),
        (reading(feature_vector=[0]).replace(b"[0]", b"[1" + b"0" * 5000 + b"]"), "feature_vector[0]"),
        (reading(feature_vector=[0]).replace(b"[0]", b"[" + b"9" * 39 + b".5]"), "feature_vector[0]"),
        (reading(feature_vector=[0]).replace(b"[0]", b"[-1e400]"), "feature_vector[0]"),
        (reading(vehicle_id="").replace(b'""', b'"\\ud800"'), "vehicle_id"),
        (reading(vehicle_id="").replace(b'""', b'"\\udc00\\ud800"'), "vehicle_id"),
        (reading(vehicle_id="").replace(b'""', b'"\xed\xa0\x80"'), "body"),
        (reading(vehicle_id="").replace(b'""', b'"\n"'), "vehicle_id"),
        (reading(vehicle_id=""), "vehicle_id"),
        (reading(vehicle_id=7), "vehicle_id"),
        (reading(vehicle_id=None), "vehicle_id"),
        (reading(feature_vector=[]), "feature_vector"),
        (reading(features={}), "features"),
        (reading(feature_vector=[1], features={"a": 1}), "feature_vector"),
        (b'{"vehicle_id":"]]]\n"}', "vehicle_id"),
        (b'{"vehicle_id":"}]\\x"}', "vehicle_id"),
        (b'{"vehicle_id":"v","timestamp":"t","features":{"a":0,"b":-1e400}}', "features.b"),
        (b'{"vehicle_id":"v","timestamp":"t","features":{"a":"x","b":' + b"[" * DEEP, "features"),
        (reading(model_name=None), "model_name"),
        (reading(records=[]), "records"),
    ],
)
def test_a_bad_body(service: Service, body: bytes, place: str) -> None:
    told = problem_in(service.post("/score", body))
    assert told.status == 400
    assert told.detail.startswith(f"{place}: ")


@pytest.mark.parametrize("value", [b"[" * DEEP, b'{"a":' * DEEP, b"[" * DEEP + b"]" * DEEP])
@pytest.mark.parametrize(
    "around",
    [
        b'{"records":%s',
        b'{"records":[%s',
        b'{"records":[{"features":{"a":%s',
        b'{"feature_names":[%s',
        b'{"x":%s',
    ],
)
@pytest.mark.parametrize("path", ["/ingest", "/score/batch"])
def test_nesting_at_any_level(service: Service, path: str, around: bytes, value: bytes) -> None:
    assert problem_in(service.post(path, around % value)).status == 400


def test_a_key_that_stands_twice_is_refused(service: Service) -> None:
    body = reading(vehicle_id="first")[:-1] + b',"vehicle_id":"last"}'
    told = problem_in(service.post("/score", body))
    assert (told.status, told.detail) == (400, "vehicle_id: stands twice; a name may stand once")


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-11-22T10:00:00Z\0",
        "2026-11-22T10:00:00\0Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00Z",
        "2026-01-01",
        "1700000000",
        "P1D",
        "",
        "now" * 100_000,
    ],
)
@pytest.mark.parametrize("path", ["/ingest", "/score"])
def test_a_time_that_is_none(service: Service, path: str, timestamp: str) -> None:
    record = {**READING, "timestamp": timestamp}
    body, place = (
        (record, "timestamp")
        if path == "/score"
        else ({"records": [READING, record]}, "records[1].timestamp")
    )
    told = problem_in(service.post(path, json.dumps(body).encode()))
    assert told.status == 400
    led_beyond = timestamp.startswith(("0001-", "9999-"))
    expected = "in the years 1 to 9999 of UTC" if led_beyond else "such as 2026-11-22T10:00:00Z"
    assert told.detail.startswith(f"{place}: expected an RFC 3339 time {expected}, got ")
    assert len(told.detail) < 200


@pytest.mark.parametrize(
    ("timestamp", "answered"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2024-02-29T23:59:59.1234567-09:30", "2024-02-29T23:59:59.1234567-09:30"),
        ("2026-01-01t00:00:00z", "2026-01-01t00:00:00z"),
        ("2026-01-01T00:00:00.5", "2026-01-01T00:00:00.5Z"),
    ],
)
def test_a_time_at_the_edge(service: Service, timestamp: str, answered: str) -> None:
    response = service.post("/score", reading(timestamp=timestamp))
    assert response.status_code == 200
    assert response.json()["timestamp"] == answered
