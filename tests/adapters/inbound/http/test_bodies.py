"""Bodies that are read whole: what one may hold, and what all of them may at once."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from litestar.types import HTTPScope

from tests.adapters.inbound.http.service import READING, Service, problem_in, running
from tests.http_service import host_and_port
from tests.queues import wait_until
from vehicle_anomaly.adapters.inbound.http.bodies import Bodies, BodyTooLarge, TooManyBodies

MOST = 400_000
SCORED = json.dumps({"records": [READING]}).encode()
LARGE = SCORED + b" " * (MOST - 100_000 - len(SCORED))


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("store"), max_body_bytes=MOST, max_bodies_bytes=MOST) as service:
        yield service


def _status(service: Service) -> int:
    return service.post("/score/batch", LARGE).status_code


def test_what_is_held_of_all_bodies_is_bounded(bounded: Service) -> None:
    assert _status(bounded) == 200
    head = (
        "POST /score/batch HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(LARGE)}\r\n\r\n"
    ).encode()
    with socket.create_connection(host_and_port(bounded.url), 30) as slow:
        slow.sendall(head + LARGE[:-1])
        wait_until(lambda: bounded.container.bodies().held_bytes == len(LARGE) - 1)
        refused = bounded.post("/score/batch", LARGE)
        told = problem_in(refused)
        assert told.type.endswith(":overloaded")
        assert f"{MOST} bytes (MAX_BODIES_BYTES)" in told.detail
        assert refused.headers["retry-after"] == "1"
        # What comes in one part is not held beside what the server does.
        assert bounded.still_scores()
        slow.sendall(LARGE[-1:])
        assert slow.recv(100).startswith(b"HTTP/1.1 200 ")
    # It holds nothing any more; nor does who was refused.
    wait_until(lambda: bounded.container.bodies().held_bytes == 0)
    assert _status(bounded) == 200


def test_a_body_that_is_too_large_is_told_how_large_it_may_be(bounded: Service) -> None:
    refused = bounded.post("/score/batch", LARGE + b" " * 200_000)
    told = problem_in(refused)
    assert (told.status, told.type.rpartition(":")[2]) == (413, "body-too-large")
    assert told.detail.startswith(f"body: expected at most {MOST} bytes (MAX_BODY_BYTES")


def _scope(**more: Any) -> HTTPScope:
    scope: Any = {"type": "http", "headers": [], **more}
    return scope  # type: ignore[no-any-return]


def _read(bodies: Bodies, scope: HTTPScope, parts: list[bytes], most: int | None = None) -> bytes:
    messages = [
        {"type": "http.request", "body": part, "more_body": number + 1 < len(parts)}
        for number, part in enumerate(parts)
    ]

    async def receive() -> Any:
        return messages.pop(0)

    async def read() -> bytes:
        return await bodies.read(scope, receive, most)

    return anyio.run(read)


def test_a_body_in_parts_is_put_together_and_let_go_of() -> None:
    bodies = Bodies(10, 10)
    first, second = _scope(), _scope()
    assert _read(bodies, first, [b"abcd", b"", b"efg", b"hij"]) == b"abcdefghij"
    with pytest.raises(TooManyBodies):
        _read(bodies, second, [b"k", b"l"])
    bodies.let_go(second)
    bodies.let_go(first)
    assert _read(bodies, _scope(), [b"k", b"l"]) == b"kl"


@pytest.mark.parametrize(
    ("scope", "parts", "most"),
    [
        (_scope(), [b"abc", b"defgh", b"ijk"], None),
        (_scope(), [b"abcdefghijk"], None),
        (_scope(headers=[(b"content-length", b"11")]), [], None),
        (_scope(), [b"abc", b"d"], 3),
    ],
    ids=["in parts", "at once", "announced", "for a call that takes less"],
)
def test_more_than_there_may_be_is_refused(scope: HTTPScope, parts: list[bytes], most: int | None) -> None:
    with pytest.raises(BodyTooLarge, match=f"at most {most or 10} bytes"):
        _read(Bodies(10, 100), scope, parts, most)
