"""`/score/batch` as a stream of lines over real sockets: order, bad lines, back pressure, hang-ups."""

import json
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapters.inbound.http.service import NAMES, READING, Service, answers, problem_in, reading
from tests.line_streams import CHUNKED, SECONDS, streaming


def sent(service: Service, body: bytes, query: str = "") -> list[dict[str, Any]]:
    response = service.post(f"/score/batch{query}", body, content_type="application/x-ndjson")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["model-name"] == "default"
    assert response.headers["model-version"] == "v1"
    return [json.loads(line) for line in response.content.splitlines()]


def test_verdicts_are_those_of_single_readings_in_order(service: Service) -> None:
    bodies = [reading(vehicle_id=f"veh-{i}", feature_vector=[i / 7, i % 3, -i]) for i in range(2500)]
    told = sent(service, b"\n".join(bodies))
    assert [each["vehicle_id"] for each in told] == [f"veh-{i}" for i in range(2500)]
    for position in (0, 999, 1000, 2499):
        assert told[position] == service.post("/score", bodies[position]).json()


def test_a_batch_answers_as_the_stream_does(service: Service) -> None:
    records = [json.loads(reading(feature_vector=[i, None, -i])) for i in range(5)]
    batch = service.client.post("/score/batch", json={"records": records}).json()["results"]
    assert sent(service, b"\n".join(json.dumps(each).encode() for each in records)) == batch


def test_readings_by_name_and_missing_ones(service: Service) -> None:
    by_name = json.dumps({"vehicle_id": "v", "timestamp": "2026-11-22T10:00:00", "features": {NAMES[0]: 1}})
    (told,) = sent(service, by_name.encode())
    assert told["missing"] == list(NAMES[1:])
    assert told["timestamp"] == "2026-11-22T10:00:00Z"


def test_a_bad_line_is_told_by_its_number_and_the_stream_goes_on(service: Service) -> None:
    lines = [
        reading(vehicle_id="a"),
        b"{",
        b"",
        reading(feature_vector=[1.0]),
        b'"\xff"',
        reading(timestamp="noon"),
        reading(feature_vector=[1, 2, 1e300]),
        reading() + reading(),
        reading(vehicle_id="b"),
    ]
    told = sent(service, b"\n".join(lines))
    assert [each.get("line", each.get("vehicle_id")) for each in told] == ["a", 2, 4, 5, 6, 7, 8, "b"]
    kinds = [each["type"].rpartition(":")[2] for each in told[1:-1]]
    assert kinds == [
        "malformed-message", "wrong-feature-count", "malformed-message", "malformed-message",
        "malformed-message", "malformed-message",
    ]  # fmt: skip
    assert all(each["status"] == 400 for each in told[1:-1])
    assert told[2]["errors"][0]["pointer"] == "/feature_vector"


@pytest.mark.parametrize(
    ("body", "n_answers"),
    [
        (b"", 0),
        (b"\n\r\n \n", 0),
        (reading() + b"\r\n" + reading() + b"\r\n", 2),
        (b"\xef\xbb\xbf" + reading() + b"\n", 1),
        (b"\xef\xbb\xbf", 0),
    ],
    ids=["empty", "blank lines", "CRLF", "byte order mark", "nothing but a byte order mark"],
)
def test_line_ends_and_the_beginning(service: Service, body: bytes, n_answers: int) -> None:
    told = sent(service, body)
    assert [each["vehicle_id"] for each in told] == [READING["vehicle_id"]] * n_answers


def test_a_record_does_not_go_over_two_lines(service: Service) -> None:
    told = sent(service, reading().replace(b", ", b",\n", 1) + b"\n" + reading())
    assert [each.get("line") for each in told] == [1, 2, None]


def test_a_line_without_end_is_skipped_and_not_kept(service: Service) -> None:
    def body() -> Iterator[bytes]:
        yield reading() + b"\n"
        for _ in range(6):
            yield b"x" * 1024 * 1024
        yield b"\n" + reading()

    response = service.client.post(
        "/score/batch", content=body(), headers={"content-type": "application/x-ndjson"}
    )
    told = [json.loads(line) for line in response.content.splitlines()]
    assert [each.get("line") for each in told] == [None, 2, None]
    assert "at most 4194304 bytes" in told[1]["detail"]


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("?model_name=none", 404, "unknown-model"),
        ("?model_version=v9", 404, "unknown-model-version"),
        ("?model_name=../x", 400, "invalid-model-name"),
        ("?model=x", 400, "malformed-message"),
        ("?model_name=a&model_name=b", 400, "malformed-message"),
    ],
)
def test_a_wrong_model_is_refused_before_the_stream(
    service: Service, query: str, status: int, kind: str
) -> None:
    response = service.post(f"/score/batch{query}", reading(), content_type="application/x-ndjson")
    told = problem_in(response)
    assert (told.status, told.type.rpartition(":")[2]) == (status, kind)


def test_a_compressed_stream_is_refused(service: Service) -> None:
    response = service.post("/score/batch", b"", content_type="application/x-ndjson", content_encoding="gzip")
    assert problem_in(response).status == 415


def test_each_verdict_comes_before_the_next_reading_is_sent(service: Service) -> None:
    with streaming(service.url, "?model_version=v1") as stream:
        lines = stream.lines()
        for i in range(3):
            stream.send(reading(vehicle_id=f"veh-{i}") + b"\n")
            assert next(lines)["vehicle_id"] == f"veh-{i}"
        stream.send(reading(vehicle_id="last"))
        stream.end()
        assert [each["vehicle_id"] for each in lines] == ["last"]
        assert b"model-version: v1" in stream.head


@pytest.mark.parametrize("connection", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
def test_a_body_of_known_length_is_answered_while_it_comes(service: Service, connection: bytes) -> None:
    line = reading() + b"\n"
    with streaming(service.url, headers=b"Content-Length: %d\r\n" % (2 * len(line)) + connection) as stream:
        stream.send_raw(line)
        lines = stream.lines()
        assert next(lines)["vehicle_id"] == "veh-017"
        stream.send_raw(line)
        assert len(list(lines)) == 1


def test_a_caller_who_waits_to_be_asked_for_the_body_is(service: Service) -> None:
    with streaming(service.url, headers=CHUNKED + b"Expect: 100-continue\r\n") as stream:
        assert stream.read_head().startswith(b"HTTP/1.1 100 ")
        stream.send(reading() + b"\n")
        stream.end()
        assert stream.read_head().startswith(b"HTTP/1.1 200 ")
        assert len(list(stream.lines())) == 1


def test_a_caller_who_does_not_read_is_not_read_from(service: Service) -> None:
    block = (reading() + b"\n") * 1000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with streaming(service.url) as stream:
        stream.settimeout(1.0)
        n_blocks = 0
        with pytest.raises(TimeoutError):  # noqa: PT012  # how many it takes is not known before
            while n_blocks < 2000:
                stream.send(block)
                n_blocks += 1
        # Sockets of this machine keep a few megabytes each way; 2,000 blocks are 170.
        assert n_blocks * len(block) < 40_000_000
        assert service.still_scores()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024


def test_a_caller_who_reads_while_sending_gets_all(service: Service) -> None:
    n_blocks = 100
    block = (reading() + b"\n") * 1000
    with streaming(service.url) as stream:

        def produce() -> None:
            for _ in range(n_blocks):
                stream.send(block)
            stream.end()

        producer = threading.Thread(target=produce)
        producer.start()
        assert sum(1 for _ in stream.lines()) == n_blocks * 1000
        producer.join(SECONDS)
        assert not producer.is_alive()


def test_callers_who_leave_in_the_middle_leave_nothing_behind(scratch: Service) -> None:
    assert scratch.still_scores()
    opened = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with streaming(scratch.url) as stream:
            stream.send((reading() + b"\n") * 500 + reading()[:20])
            next(stream.lines())
    with httpx.Client(base_url=scratch.url, trust_env=False) as client:
        # Requests are counted at their end.
        while answers(scratch, "/score/batch").get("200", 0) < 20:
            assert client.get("/healthz").status_code == 200
    assert len(list(Path("/proc/self/fd").iterdir())) <= opened + 1
    assert scratch.still_scores()
