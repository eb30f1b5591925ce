"""Bytes as they arrive → whole lines, in bounded memory."""

import codecs
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Lines that stand one after another.

    Attributes:
        first: Number of the first, from 1.
        lines: Without their ends. None stands for one that is too long, and is not kept.
    """

    first: int
    lines: list[bytes | None]

    def cut(self, n_lines: int) -> "tuple[LineBlock, LineBlock]":
        """Return its first lines, so many at most, and the others."""
        return (
            LineBlock(self.first, self.lines[:n_lines]),
            LineBlock(self.first + len(self.lines[:n_lines]), self.lines[n_lines:]),
        )


class LineBlocks:
    """Cuts what it is fed into lines; what follows the last line end waits for more."""

    def __init__(self, max_line_bytes: int) -> None:
        """Take lines of so many bytes; of a longer one nothing is kept."""
        self._max_line_bytes = max_line_bytes
        self._begun = bytearray()
        self._too_long = False
        self._next = 1

    def feed(self, data: bytes) -> LineBlock:
        """Return the lines that end in `data`."""
        head, end, rest = data.partition(b"\n")
        if not end:
            self._begin(head)
            return LineBlock(self._next, [])
        first = self._finish(head)
        lines: list[bytes | None] = [*rest.split(b"\n")]
        last = lines.pop()
        block = LineBlock(self._next, [first, *map(self._kept, lines)])
        self._next += len(block.lines)
        self._begin(last or b"")
        return block

    def end(self) -> LineBlock:
        """Return the last line, if it has no end of its own."""
        if not self._begun and not self._too_long:
            return LineBlock(self._next, [])
        return LineBlock(self._next, [self._finish(b"")])

    def _begin(self, data: bytes) -> None:
        if self._too_long or len(self._begun) + len(data) > self._max_line_bytes:
            self._too_long = True
            self._begun.clear()
        else:
            self._begun += data

    def _finish(self, data: bytes) -> bytes | None:
        self._begin(data)
        line = None if self._too_long else bytes(self._begun)
        self._begun.clear()
        self._too_long = False
        return line.removeprefix(codecs.BOM_UTF8) if line is not None and self._next == 1 else line

    def _kept(self, line: bytes | None) -> bytes | None:
        return line if line is not None and len(line) <= self._max_line_bytes else None
