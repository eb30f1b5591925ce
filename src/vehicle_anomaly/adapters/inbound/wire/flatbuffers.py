"""Tables of flatbuffers, as the heads of Arrow's messages are: https://flatbuffers.dev/internals/."""

import struct
from collections.abc import Iterator
from typing import NamedTuple


class FlatTable(NamedTuple):
    """A table of a flatbuffer."""

    head: memoryview
    at: int

    def position(self, field: int) -> int | None:
        """Return where a field is; None where it is left out."""
        vtable = self.at - struct.unpack_from("<i", self.head, self.at)[0]
        if vtable < 0:
            raise IndexError
        if 4 + 2 * field >= struct.unpack_from("<H", self.head, vtable)[0]:
            return None
        offset: int = struct.unpack_from("<H", self.head, vtable + 4 + 2 * field)[0]
        return self.at + offset if offset else None

    def scalar(self, field: int, size: int) -> bytes:
        """Return a number's bytes; zero where it is left out."""
        at = self.position(field)
        return bytes(size) if at is None else bytes(self.head[at : at + size])

    def referred(self, field: int) -> int | None:
        """Return where what a field refers to begins."""
        at = self.position(field)
        return None if at is None else at + int(struct.unpack_from("<I", self.head, at)[0])

    def length(self, field: int) -> int:
        """Return how many items or bytes a vector or a text has; 0 where it is left out."""
        at = self.referred(field)
        return 0 if at is None else int(struct.unpack_from("<I", self.head, at)[0])

    def tables(self, field: int) -> Iterator["FlatTable"]:
        """Yield the tables of a vector, as often as they stand in it."""
        at = self.referred(field)
        for place in range(0 if at is None else self.length(field)):
            entry = (at or 0) + 4 + 4 * place
            yield FlatTable(self.head, entry + struct.unpack_from("<I", self.head, entry)[0])
