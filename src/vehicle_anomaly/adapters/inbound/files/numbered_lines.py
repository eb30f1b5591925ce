"""Physical lines of a file, counted."""

import codecs
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine

# A file without line ends must not be read into memory whole.
MAX_LINE_BYTES: Final = 1024 * 1024
# Telling of every line would cost more than reading it.
_BYTES_PER_REPORT: Final = 64 * 1024


class LineStream(Protocol):
    """A file that is open, or what reads like one."""

    def readline(self, limit: int, /) -> bytes:
        """Return the next line, or so many bytes of it; nothing at the end."""
        ...


class NumberedLines:
    """The lines of a file, each read once.

    Attributes:
        file: Name of the file, for errors.
        number: The line that was read last, from 1; 0 before the first.
    """

    def __init__(
        self, stream: LineStream, file: str, advance: Callable[[int], None], number: int = 0
    ) -> None:
        """Take a file.

        Args:
            stream: Its bytes.
            file: Its name, for errors.
            advance: Told, now and then, how many more bytes have been read.
            number: Lines of the file that come before.
        """
        self.file = file
        self.number = number
        self._stream = stream
        self._advance = advance

    def __iter__(self) -> Iterator[bytes]:
        """Yield each line with its end, the first one without a byte order mark.

        Raises:
            BadLine: A line is longer than `MAX_LINE_BYTES`.
        """
        unreported = 0
        while line := self._stream.readline(MAX_LINE_BYTES + 1):
            self.number += 1
            if len(line) > MAX_LINE_BYTES:
                raise BadLine(self.file, self.number, f"longer than {MAX_LINE_BYTES} bytes")
            unreported += len(line)
            if unreported >= _BYTES_PER_REPORT:
                self._advance(unreported)
                unreported = 0
            yield line.removeprefix(codecs.BOM_UTF8) if self.number == 1 else line
        self._advance(unreported)

    def text(self) -> Iterator[str]:
        """Yield each line as text.

        Raises:
            BadLine: A line is not UTF-8, or too long.
        """
        for line in self:
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                byte = line[error.start]
                reason = f"expected UTF-8, got byte 0x{byte:02x} at position {error.start + 1} of the line"
                raise BadLine(self.file, self.number, reason) from error
