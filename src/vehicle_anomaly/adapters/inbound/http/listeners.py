"""Sockets that listen where operators said, or an error in their words."""

import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack


def listeners(host: str, port: int) -> list[socket.socket]:
    """Listen on every address that a host has.

    Raises:
        OSError: The address cannot be listened on; its `filename` names it.
    """
    with ExitStack() as opened:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            listening = [
                opened.enter_context(socket.create_server(address[:2], family=family))
                for family, address in dict.fromkeys((family, address) for family, *_, address in found)
            ]
        except (OSError, UnicodeError) as error:
            raise _named(error, host, port) from error
        opened.pop_all()
    return listening


def urls(sockets: Sequence[socket.socket]) -> list[str]:
    """Return where each listens."""
    addresses = [opened.getsockname()[:2] for opened in sockets]
    return [f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}" for host, port in addresses]


def _named(error: OSError | UnicodeError, host: str, port: int) -> OSError:
    """Say where it happened, as operators set it."""
    if isinstance(error, socket.gaierror):
        number, reason = error.errno, error.strerror
    elif isinstance(error, OSError):
        number = error.errno
        # The error's own words repeat the address.
        reason = None if number is None else os.strerror(number)
    else:
        number, reason = None, "not the name of a host"
    return OSError(number, reason, f"HOST {host}, PORT {port}")
