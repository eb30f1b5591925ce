"""Peers, which may not be installed."""

from importlib import import_module
from types import ModuleType


class PeerMissing(Exception):
    """A peer is not installed here; its message says so in one sentence."""


def peer(module: str) -> ModuleType:
    """Import a peer.

    Raises:
        PeerMissing: It is not installed, or cannot be loaded here.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise PeerMissing(
            f"{module} is not installed ({error}); `just bench` installs what it can"
        ) from error
