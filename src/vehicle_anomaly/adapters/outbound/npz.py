"""Flat arrays in NumPy's `.npz`, read as from a stranger: no pickle, no size that the data does not have."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

_PREFIX_BYTES = 10  # magic string, version, and the length of the header in two bytes


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
            members = {member.filename: member for member in archive.infolist()}
            expected = {f"{name}.npy" for name in dtypes}
            if members.keys() != expected or len(archive.infolist()) != len(expected):
                raise ValueError(f"expected the arrays {', '.join(dtypes)}")
            if sum(member.file_size for member in members.values()) > max_bytes:
                raise ValueError(f"expected at most {max_bytes} bytes when unpacked")
            return {
                name: _flat(_unpacked(archive, members[f"{name}.npy"]), name, dtype)
                for name, dtype in dtypes.items()
            }
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise ValueError(f"not readable: {error}") from error


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    # Of zipfile's methods, these alone unpack no more than they are asked for.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename}: expected it stored or deflated")
    with archive.open(member) as stream:
        # One byte more than declared: zipfile compares the checksum only when it meets the end.
        return stream.read(member.file_size + 1)


def _flat(data: bytes, name: str, dtype: type[np.generic]) -> NDArray[Any]:
    """Read a flat array whose header is, but for padding, the one NumPy writes: compared, never parsed."""
    header_end = _PREFIX_BYTES + int.from_bytes(data[_PREFIX_BYTES - 2 : _PREFIX_BYTES], "little")
    length, rest = divmod(len(data) - header_end, np.dtype(dtype).itemsize)
    if length < 0 or rest or _padding_off(data[:header_end]) != _padding_off(_header(dtype, length)):
        raise ValueError(f"{name}: expected a flat array of {np.dtype(dtype)}, of the length of its data")
    # A copy, writable and aligned: a view would keep the whole member alive.
    return np.frombuffer(data, dtype, offset=header_end).copy()


def _header(dtype: type[np.generic], length: int) -> bytes:
    header = io.BytesIO()
    descr = npy.dtype_to_descr(np.dtype(dtype))
    npy.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": (length,)})
    return header.getvalue()


def _padding_off(header: bytes) -> tuple[bytes, bytes]:
    return header[: _PREFIX_BYTES - 2], header[_PREFIX_BYTES:].rstrip(b" \n")
