"""Flat arrays in NumPy's `.npz`, read as from a stranger: no pickle, no size that the data does not have."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

_MAX_HEADER_BYTES = 1024


def write(arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """Pack flat arrays, compressed; the same arrays give the same bytes."""
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    return packed.getvalue()


def read(packed: bytes, dtypes: Mapping[str, type[np.generic]], max_bytes: int) -> dict[str, NDArray[Any]]:
    """Unpack flat arrays.

    Args:
        packed: What `write` gave.
        dtypes: The arrays that must be in it, no fewer and no more, and their types.
        max_bytes: Bound of their size when unpacked.

    Raises:
        ValueError: It holds anything but these arrays, or more than `max_bytes`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = archive.infolist()
            expected = {f"{name}.npy" for name in dtypes}
            if sorted(member.filename for member in members) != sorted(expected):
                raise ValueError(f"expected the arrays {', '.join(dtypes)}")
            if sum(member.file_size for member in members) > max_bytes:
                raise ValueError(f"expected at most {max_bytes} bytes when unpacked")
            # A member gives at most the size it declares, whatever is packed in it.
            return {name: _flat(archive.read(f"{name}.npy"), name, dtype) for name, dtype in dtypes.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"not readable: {error}") from error


def _flat(data: bytes, name: str, dtype: type[np.generic]) -> NDArray[Any]:
    stream = io.BytesIO(data)
    if npy.read_magic(stream) != (1, 0):
        raise ValueError(f"{name}: expected version 1.0 of the .npy format")
    shape, _, stored = npy.read_array_header_1_0(stream, max_header_size=_MAX_HEADER_BYTES)
    if stored != np.dtype(dtype) or len(shape) != 1:
        raise ValueError(f"{name}: expected a flat array of {np.dtype(dtype)}, got {stored}{shape}")
    if shape[0] < 0 or shape[0] * stored.itemsize != len(data) - stream.tell():
        raise ValueError(f"{name}: its length is not that of its data")
    # A copy, writable and aligned: a view would keep the whole member alive.
    return np.frombuffer(data, stored, offset=stream.tell()).copy()
