"""Where numba finds what an image ships compiled, in a folder that nothing may write to.

numba takes no cache folder that it cannot write to, and fails for want of one. The image therefore names this
class in NUMBA_CACHE_LOCATOR_CLASSES (numba's "Environment variables"), and the folder in NUMBA_CACHE_DIR.
"""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from numba.core.caching import UserProvidedCacheLocator


class ShippedKernels(UserProvidedCacheLocator):
    """Reads compiled functions from NUMBA_CACHE_DIR, and writes what is missing there elsewhere."""

    def __init__(self, py_func: object, py_file: str) -> None:
        """Locate the cache of one function; numba calls this."""
        super().__init__(py_func, py_file)  # type: ignore[no-untyped-call]
        shipped = Path(self._cache_path)
        if shipped.is_dir() and not os.access(shipped, os.W_OK):
            self._cache_path = str(_writable_view(shipped))


@cache
def _writable_view(shipped: Path) -> Path:
    """Return a folder of links to what is in another; only this process knows of it."""
    # Not one for all: numba runs what it reads there, and others may write to a shared temporary folder.
    view = Path(tempfile.mkdtemp(prefix="vehicle-anomaly-kernels-"))
    atexit.register(shutil.rmtree, view, ignore_errors=True)
    for file in shipped.iterdir():
        (view / file.name).symlink_to(file)
    return view
