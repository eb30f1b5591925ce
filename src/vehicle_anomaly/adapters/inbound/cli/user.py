"""Who runs a command, for the record."""

import getpass
import socket

from vehicle_anomaly.core.promotions import MAX_PROMOTER_LENGTH


def user_at_host() -> str:
    """Return who runs this process, and where, as `Promoter.by`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # In a container, a user may have no name.
        user = "unknown"
    told = f"{user}@{socket.gethostname()}"
    return "".join(one if one.isprintable() else "?" for one in told)[:MAX_PROMOTER_LENGTH]
