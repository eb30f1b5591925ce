"""pyarrow: an extra, and takes a moment to import. Who sends no Arrow needs neither."""

from typing import Any


class ArrowMissing(Exception):
    """pyarrow is not installed; the message says how to install it."""


def require() -> Any:
    """Return pyarrow.

    Raises:
        ArrowMissing: It is not installed.
    """
    try:
        import pyarrow  # noqa: PLC0415  # an extra, which takes a moment to import
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        reason = "Arrow and Parquet need pyarrow: pip install 'vehicle-anomaly[arrow]'"
        raise ArrowMissing(reason) from error
    return pyarrow
