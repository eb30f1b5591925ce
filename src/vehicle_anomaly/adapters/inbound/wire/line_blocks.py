"""Bytes as they arrive → whole lines, in bounded memory."""

import codecs
from dataclasses import dataclass
from typing import Final, Self

_END: Final = b"\n"


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Lines that stand one after another.

    Attributes:
        first: Number of the first, from 1.
        text: The lines; each ends with LF.
        n_lines: How many: to count them again and again took a tenth of the time of a stream.
        too_long: Numbers of those that are too long, and stand empty.
    """

    first: int
    text: bytes
    n_lines: int
    too_long: frozenset[int] = frozenset()

    @classmethod
    def of(cls, first: int, text: bytes) -> Self:
        """Take lines that nobody has counted."""
        return cls(first, text, text.count(_END))

    @classmethod
    def empty(cls, first: int) -> Self:
        """Take none; the next has this number."""
        return cls(first, b"", 0)

    def lines(self) -> list[bytes | None]:
        """Return each without its end; None stands for one that is too long, and was not kept."""
        lines: list[bytes | None] = [*self.text.split(_END)]
        lines.pop()
        for number in self.too_long:
            lines[number - self.first] = None
        return lines

    def cut(self, n_lines: int) -> "tuple[LineBlock, LineBlock]":
        """Return its first lines, so many at most, and the others."""
        if self.n_lines <= n_lines:
            return self, LineBlock.empty(self.first + self.n_lines)
        at = 0
        for _ in range(n_lines):
            at = self.text.index(_END, at) + 1
        second = self.first + n_lines
        return (
            LineBlock(self.first, self.text[:at], n_lines, frozenset(n for n in self.too_long if n < second)),
            LineBlock(
                second,
                self.text[at:],
                self.n_lines - n_lines,
                frozenset(n for n in self.too_long if n >= second),
            ),
        )

    def followed_by(self, other: "LineBlock") -> "LineBlock":
        """Return its lines and those of the block that comes behind it."""
        if not self.text:
            return other
        return LineBlock(
            self.first,
            self.text + other.text,
            self.n_lines + other.n_lines,
            self.too_long | other.too_long,
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
        last = data.rfind(_END) + 1
        if not last:
            self._begin(data)
            return LineBlock.empty(self._next)
        too_long: set[int] = set()
        if len(self._begun) + last > self._max_line_bytes or self._too_long:
            text = self._checked(data[:last], too_long)
        else:
            text = bytes(self._begun) + data[:last] if self._begun else data[:last]
        block = self._block(text, frozenset(too_long))
        self._begun.clear()
        self._too_long = False
        self._begin(data[last:])
        return block

    def end(self) -> LineBlock:
        """Return the last line, if it has no end of its own."""
        if not self._begun and not self._too_long:
            return LineBlock.empty(self._next)
        return self.feed(_END)

    def _begin(self, data: bytes) -> None:
        if self._too_long or len(self._begun) + len(data) > self._max_line_bytes:
            self._too_long = True
            self._begun.clear()
        else:
            self._begun += data

    def _checked(self, data: bytes, too_long: set[int]) -> bytes:
        head, _, rest = data.partition(_END)
        self._begin(head)
        if self._too_long:
            too_long.add(self._next)
        lines = [bytes(self._begun), *rest.split(_END)]
        lines.pop()
        for number, line in enumerate(lines, self._next):
            if len(line) > self._max_line_bytes:
                too_long.add(number)
                lines[number - self._next] = b""
        return b"".join(b"%b\n" % line for line in lines)

    def _block(self, text: bytes, too_long: frozenset[int]) -> LineBlock:
        first, n_lines = self._next, text.count(_END)
        self._next += n_lines
        return LineBlock(first, text.removeprefix(codecs.BOM_UTF8) if first == 1 else text, n_lines, too_long)
