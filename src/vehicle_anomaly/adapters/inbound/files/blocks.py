"""A file → blocks of whole lines, which can be read side by side."""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from select import select
from typing import BinaryIO, Final

from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.files.numbered_lines import MAX_LINE_BYTES, NumberedLines

# Some thousand lines: enough to share between threads, few enough to be in memory several times.
_BYTES_AT_ONCE: Final = 512 * 1024


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a file that stand one after another.

    Attributes:
        file: Name of the file, for errors.
        first: Number of the first line, from 1.
        text: The lines; each ends with LF.
    """

    file: str
    first: int
    text: bytes

    @property
    def n_lines(self) -> int:
        """How many."""
        return self.text.count(b"\n")

    def lines(self, first: int, begin: int, end: int) -> NumberedLines:
        """Return some of its lines, to be read one by one.

        Args:
            first: Number of the first of them.
            begin: Where in the text it begins.
            end: Where the last one ends.
        """
        return NumberedLines(BytesIO(self.text[begin:end]), self.file, lambda _: None, first - 1)


class Blocks:
    """What is left of a file."""

    def __init__(self, stream: BinaryIO, file: str, advance: Callable[[int], None], first: int = 1) -> None:
        """Take a file.

        Args:
            stream: Its bytes, from the beginning of a line.
            file: Its name, for errors.
            advance: Told, now and then, how many more bytes have been read.
            first: Number of that line.
        """
        self._stream = stream
        # What a pipe has is taken as it comes; what has no such way is a file of its own.
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._file = file
        self._advance = advance
        self._next = first

    def is_there(self) -> bool:
        """Tell whether there is more to read, or the end, without waiting for it; in doubt there is."""
        try:
            return bool(select([self._stream], [], [], 0)[0])
        except (OSError, ValueError):
            # No stream of the operating system.
            return True

    def __iter__(self) -> Iterator[Block]:
        """Yield the lines, a block at a time.

        Raises:
            BadLine: A line is longer than `MAX_LINE_BYTES`.
        """
        begun = b""
        while data := self._read(_BYTES_AT_ONCE):
            self._advance(len(data))
            end = data.rfind(b"\n") + 1
            text = begun + data[:end]
            if end:
                # Only the first can be that long: all others are in what was read at once.
                self._check(text.index(b"\n") + 1)
                yield self._block(text)
                begun = data[end:]
            else:
                begun += data
                self._check(len(begun))
        if begun:
            yield self._block(begun + b"\n")

    def _check(self, line_bytes: int) -> None:
        if line_bytes > MAX_LINE_BYTES:
            raise BadLine(self._file, self._next, f"longer than {MAX_LINE_BYTES} bytes")

    def _block(self, text: bytes) -> Block:
        if self._next == 1:
            text = text.removeprefix(codecs.BOM_UTF8)
        block = Block(self._file, self._next, text)
        self._next += block.n_lines
        return block


class LinesOfBlocks:
    """Lines of blocks, read as from a file."""

    def __init__(self, block: Block, blocks: Iterator[Block]) -> None:
        """Take a block and those that come after it."""
        self._current = BytesIO(block.text)
        self._blocks = blocks

    def readline(self, limit: int) -> bytes:
        """Return the next line, or as much of it; nothing at the end."""
        while not (line := self._current.readline(limit)):
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._current = BytesIO(block.text)
        return line
