"""Files → verdicts, block by block and side by side, in order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Final

from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.files.blocks import Block, Blocks, LinesOfBlocks
from vehicle_anomaly.adapters.inbound.files.columns import Columns
from vehicle_anomaly.adapters.inbound.files.csv_files import TIMESTAMP, VEHICLE_ID, CsvTelemetry
from vehicle_anomaly.adapters.inbound.files.formats import FileFormat
from vehicle_anomaly.adapters.inbound.files.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.files.scanned_files import ReadBlock, csv_blocks, ndjson_blocks
from vehicle_anomaly.adapters.inbound.files.scoring import scored
from vehicle_anomaly.adapters.inbound.files.sourced import SourcedReading
from vehicle_anomaly.adapters.inbound.files.verdicts import ScannedVerdicts, SomeVerdicts, VerdictList
from vehicle_anomaly.adapters.inbound.wire.scanned import Scanned
from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.model import ModelMetadata
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry

# One is read or written by the interpreter while others are in compiled code, which leaves it alone.
_SIDE_BY_SIDE: Final = 2
# Blocks in memory: those, and as many that wait.
_AT_ONCE: Final = 4
_QUOTE: Final = b'"'


@dataclass(frozen=True, slots=True)
class BlockScoring:
    """Scores files with one version of a model.

    Attributes:
        score_telemetry: Scores.
        model: What is known of the version.
        written: Writes verdicts as text; called side by side.
        explain: Which verdicts are explained; None for the service's choice.
    """

    score_telemetry: ScoreTelemetry
    model: ModelMetadata
    written: Callable[[SomeVerdicts], bytes]
    explain: Explain | None = None

    def file(
        self,
        stream: BinaryIO,
        name: str,
        file_format: FileFormat,
        columns: Columns,
        advance: Callable[[int], None],
    ) -> Iterator[tuple[SomeVerdicts, bytes]]:
        """Score a file of CSV or NDJSON.

        Args:
            stream: Its bytes.
            name: Its name, for errors.
            file_format: How it is written.
            columns: Orders the columns, if it is CSV.
            advance: Told, now and then, how many more bytes have been read.

        Yields:
            Verdicts in order, and their text.

        Raises:
            BadLine: A line is no reading, or does not fit the model.
            DamagedModel: The version is not what was published.
            ModelStoreUnavailable: The model could not be read.
            OSError: The file cannot be read.
        """
        if file_format is FileFormat.NDJSON:
            file = Blocks(stream, name, advance)
            yield from self._side_by_side(iter(file), ndjson_blocks(self.model), file.is_there)
            return
        telemetry = CsvTelemetry(NumberedLines(stream, name, advance))
        names = columns(name, telemetry)
        file = Blocks(stream, name, advance, telemetry.lines_read + 1)
        blocks = iter(file)
        quoted: list[Block] = []
        if {TIMESTAMP, VEHICLE_ID}.isdisjoint(names):
            plain = _until_quoted(blocks, quoted)
            yield from self._side_by_side(plain, csv_blocks(telemetry, names), file.is_there)
        else:
            quoted += [block for block in [next(blocks, None)] if block is not None]
        if quoted:
            # A quoted cell may hold line ends, and what comes after it may be within quotes: all in one go.
            rest = LinesOfBlocks(quoted[0], blocks)
            lines = NumberedLines(rest, name, lambda _: None, quoted[0].first - 1)
            readings = telemetry.readings(names, lines)
            yield from self.readings(readings)

    def readings(self, readings: Iterator[SourcedReading]) -> Iterator[tuple[SomeVerdicts, bytes]]:
        """Score readings as they come one by one; yields and raises as `file`."""
        for some in scored(readings, self.score_telemetry, self.model, self.explain):
            verdicts = VerdictList(some)
            yield verdicts, self.written(verdicts)

    def _side_by_side(
        self, blocks: Iterator[Block], read: ReadBlock, more_is_there: Callable[[], bool]
    ) -> Iterator[tuple[SomeVerdicts, bytes]]:
        def work(block: Block) -> list[tuple[SomeVerdicts, bytes]]:
            return [(verdicts, self.written(verdicts)) for verdicts in self._scored(block, read)]

        waiting: deque[Future[list[tuple[SomeVerdicts, bytes]]]] = deque()
        faults: list[Exception] = []
        with ThreadPoolExecutor(_SIDE_BY_SIDE, "files") as threads:
            try:
                for block in _up_to_fault(blocks, faults):
                    waiting.append(threads.submit(work, block))
                    # Who sends readings and pauses has the verdicts on them meanwhile.
                    while waiting and (len(waiting) >= _AT_ONCE or waiting[0].done() or not more_is_there()):
                        yield from waiting.popleft().result()
                while waiting:
                    yield from waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
        if faults:
            raise faults[0]

    def _scored(self, block: Block, read: ReadBlock) -> Iterator[SomeVerdicts]:
        known = self.model
        for readings in read(block):
            if isinstance(readings, Scanned):
                scores = self.score_telemetry.score_columns(
                    readings.values,
                    readings.shape.names,
                    known.model_name,
                    known.model_version,
                    self.explain,
                )
                yield ScannedVerdicts(readings, scores)
            else:
                for some in scored(iter(readings), self.score_telemetry, known, self.explain):
                    yield VerdictList(some)


def _up_to_fault(blocks: Iterator[Block], faults: list[Exception]) -> Iterator[Block]:
    """Yield blocks; what goes wrong with one is kept until those before it are through."""
    try:
        yield from blocks
    except (BadLine, OSError) as error:
        faults.append(error)


def _until_quoted(blocks: Iterator[Block], quoted: list[Block]) -> Iterator[Block]:
    for block in blocks:
        if _QUOTE in block.text:
            quoted.append(block)
            return
        yield block
