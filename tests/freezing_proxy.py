"""A TCP proxy that can be frozen: connections stay open, and nothing comes through any more.

And one that is slow with some of what is asked.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.http_service import host_and_port


class FreezingProxy:
    """Passes bytes on until it is frozen.

    Attributes:
        url: Where it listens.
    """

    def __init__(
        self, listener: socket.socket, target: tuple[str, int], slow: bytes, slow_seconds: float
    ) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener = listener
        self._target = target
        self._slow, self._slow_seconds = slow, slow_seconds
        self._flowing = threading.Event()
        self._flowing.set()

    def freeze(self) -> None:
        """Let nothing through from now on."""
        self._flowing.clear()

    def accept(self) -> None:
        """Pass connections on until the listener is closed."""
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                service = socket.create_connection(self._target)
                for source, sink in ((caller, service), (service, caller)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError), source, sink:
            while data := source.recv(65536):
                if self._slow and self._slow in data:
                    threading.Event().wait(self._slow_seconds)
                self._flowing.wait()
                sink.sendall(data)


@contextmanager
def freezing_proxy(target_url: str, slow: bytes = b"", slow_seconds: float = 0.0) -> Iterator[FreezingProxy]:
    """Stand before a service while the block runs.

    Args:
        target_url: The service's address.
        slow: What a request or an answer holds that is passed on later; nothing for none.
        slow_seconds: By how much.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = FreezingProxy(listener, host_and_port(target_url), slow, slow_seconds)
        threading.Thread(target=proxy.accept, daemon=True).start()
        yield proxy
