"""Callers of one route, each of which asks again as soon as it is answered.

One thread serves all of them: where twenty share an interpreter, they wait for each other, and would find the
service slow that is not.
"""

import heapq
import selectors
import socket
import statistics
from collections import Counter
from time import perf_counter
from typing import Final

from tests.http_service import host_and_port

_ENDS_WITHIN_SECONDS: Final = 60.0
_HEADERS_END: Final = b"\r\n\r\n"


class _Caller:
    """A connection, and how far its request and the answer have got."""

    def __init__(self, address: tuple[str, int], request: bytes) -> None:
        self.connection = socket.create_connection(address, 60)
        self.connection.setblocking(False)
        self._request = request
        self.begin()

    def begin(self) -> None:
        """Take the next request."""
        self._left = memoryview(self._request)
        self._answer = bytearray()
        self._length: int | None = None
        self.sent_at = perf_counter()

    @property
    def is_sending(self) -> bool:
        """Whether there is more to send."""
        return bool(self._left)

    def send(self) -> None:
        """Send what the connection takes."""
        self._left = self._left[self.connection.send(self._left) :]

    def receive(self) -> tuple[int, bytes] | None:
        """Receive what is there; return status and answer once it is whole."""
        received = self.connection.recv(1 << 18)
        if not received:
            raise ConnectionError("the service hung up")
        self._answer += received
        if self._length is None:
            head, found, _ = self._answer.partition(_HEADERS_END)
            if not found:
                return None
            (length,) = (
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            self._length = len(head) + len(_HEADERS_END) + length
        if len(self._answer) < self._length:
            return None
        return int(self._answer[9:12]), bytes(self._answer)


class Load:
    """What callers were answered.

    Attributes:
        statuses: How often which.
        took: How long each accepted request took, in seconds, from its first byte to its answer's last.
        answers: The last answer of each status, headers and all.
    """

    def __init__(self, url: str, request: bytes, callers: int, seconds: float, pause_seconds: float) -> None:
        """Call, for a while, and then until all is answered.

        Args:
            url: Of the service.
            request: What each caller sends.
            callers: How many there are.
            seconds: How long they begin anew.
            pause_seconds: How long one waits that was turned away.

        Raises:
            ConnectionError: The service hung up on one.
            TimeoutError: It did not answer one.
        """
        self.statuses: Counter[int] = Counter()
        self.took: list[float] = []
        self.answers: dict[int, bytes] = {}
        self._pause_seconds = pause_seconds
        address = host_and_port(url)
        with selectors.DefaultSelector() as selector:
            everyone = [_Caller(address, request) for _ in range(callers)]
            try:
                self._run(selector, everyone, perf_counter() + seconds)
            finally:
                for caller in everyone:
                    caller.connection.close()

    @property
    def p99(self) -> float:
        """How long 99 of 100 accepted requests took at most, in seconds."""
        return statistics.quantiles(self.took, n=100)[98]

    def _run(self, selector: selectors.BaseSelector, everyone: list[_Caller], ends_at: float) -> None:
        resting: list[tuple[float, int]] = [(0.0, number) for number in range(len(everyone))]
        n_waiting = 0
        while n_waiting or perf_counter() < ends_at:
            now = perf_counter()
            if now > ends_at + _ENDS_WITHIN_SECONDS:
                raise TimeoutError(f"{n_waiting} requests have no answer")
            while resting and resting[0][0] <= now < ends_at:
                _, number = heapq.heappop(resting)
                everyone[number].begin()
                events = selectors.EVENT_READ | selectors.EVENT_WRITE
                selector.register(everyone[number].connection, events, number)
                n_waiting += 1
            wakes_at = resting[0][0] if resting and now < ends_at else now + 0.1
            for key, ready in selector.select(max(0.0, wakes_at - now)):
                caller = everyone[key.data]
                if ready & selectors.EVENT_WRITE:
                    caller.send()
                    if not caller.is_sending:
                        selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
                if ready & selectors.EVENT_READ:
                    told = caller.receive()
                    if told is not None:
                        selector.unregister(key.fileobj)
                        n_waiting -= 1
                        heapq.heappush(resting, (self._answered(caller, *told), key.data))

    def _answered(self, caller: _Caller, status: int, answer: bytes) -> float:
        """Take an answer; return when the caller asks again."""
        now = perf_counter()
        self.statuses[status] += 1
        self.answers[status] = answer
        if status != 200:
            return now + self._pause_seconds
        self.took.append(now - caller.sent_at)
        return now
