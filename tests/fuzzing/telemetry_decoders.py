"""What reads telemetry: bodies and messages, streams of lines, files."""

import io
from collections.abc import Callable
from functools import partial
from typing import Final

from tests.fakes import InMemoryModels, a_trained_model
from tests.fuzzing import telemetry_seeds as seeds
from tests.fuzzing.decoder import Decoder
from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.files.blocks import Blocks
from vehicle_anomaly.adapters.inbound.files.columns import ModelColumns
from vehicle_anomaly.adapters.inbound.files.csv_files import CsvTelemetry
from vehicle_anomaly.adapters.inbound.files.formats import FileFormat
from vehicle_anomaly.adapters.inbound.files.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.files.parquet_files import parquet_readings
from vehicle_anomaly.adapters.inbound.files.reading import read_file
from vehicle_anomaly.adapters.inbound.files.scanned_files import ReadBlock, csv_blocks, ndjson_blocks
from vehicle_anomaly.adapters.inbound.wire import decoding
from vehicle_anomaly.adapters.inbound.wire.arrow_requests import arrow_train_command
from vehicle_anomaly.adapters.inbound.wire.bodies import decode_score_batch, scan_body
from vehicle_anomaly.adapters.inbound.wire.commands import (
    MAX_BATCH_VALUES,
    score_batch_command,
    score_command,
    train_model_command,
)
from vehicle_anomaly.adapters.inbound.wire.comparisons import posted_batch, posted_lines
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.line_blocks import LineBlocks
from vehicle_anomaly.adapters.inbound.wire.line_scoring import LineScoring
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.core.errors import InvalidModelName, InvalidModelVersion, Refusal
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry

_REFUSALS: Final = (MalformedMessage, Refusal)
_MAX_LINE_BYTES: Final = 2000


def _scanned(data: bytes) -> None:
    """Read a batch the quick way; what that takes, the strict way must take too, and read the same."""
    read = scan_body(data, decode_score_batch, MAX_BATCH_VALUES)
    if read is None:
        return
    _, scanned = read
    try:
        command, timestamps = score_batch_command(data, Encoding.JSON)
    except (InvalidModelName, InvalidModelVersion):
        # Neither way of reading looks at what the model is called: whoever asks for it does.
        return
    told = [(one.vehicle_id, timestamp) for one, timestamp in zip(command.readings, timestamps, strict=True)]
    if told != scanned.told(range(len(scanned))):
        raise AssertionError(f"{told} are scanned as {scanned.told(range(len(scanned)))}")


def _answered(score: LineScoring, data: bytes) -> None:
    """Answer a stream that comes in three parts."""
    blocks = LineBlocks(_MAX_LINE_BYTES)
    third = len(data) // 3
    parts = [blocks.feed(part) for part in (data[:third], data[third : 2 * third], data[2 * third :])]
    for block in (*parts, blocks.end()):
        answers = score(block).splitlines()
        asked = sum(line is None or bool(line.strip(b" \t\r")) for line in block.lines())
        if len(answers) != asked:
            raise AssertionError(f"{asked} lines are answered with {len(answers)}")


def _read_lines(file_format: FileFormat, columns: ModelColumns, data: bytes) -> None:
    for _ in read_file(NumberedLines(io.BytesIO(data), "a file", _nobody), file_format, columns):
        pass


def _read_blocks(reading: Callable[[io.BytesIO], ReadBlock], data: bytes) -> None:
    file = io.BytesIO(data)
    read = reading(file)
    for block in Blocks(file, "a file", _nobody):
        for _ in read(block):
            pass


def _nobody(_: object) -> None:
    pass


def telemetry_decoders() -> dict[str, Decoder]:
    """Return them by name."""
    model = a_trained_model("v1", n_estimators=4)
    models = InMemoryModels()
    models.publish(model)
    columns = ModelColumns(model.metadata, _nobody)
    score_lines = LineScoring.by(ScoreTelemetry(models), model.metadata)

    def csv_by_blocks(file: io.BytesIO) -> ReadBlock:
        telemetry = CsvTelemetry(NumberedLines(file, "a file", _nobody))
        return csv_blocks(telemetry, columns("a file", telemetry))

    def read_parquet(data: bytes) -> None:
        for _ in parquet_readings(io.BytesIO(data), "a file", columns, _nobody):
            pass

    of_batches = seeds.as_json(*seeds.batches(feature_names=list(seeds.NAMES), false_alarm_rate=0.01))
    packed = seeds.as_msgpack(*seeds.batches(feature_names=list(seeds.NAMES), false_alarm_rate=0.01))
    to_score = seeds.as_json(*seeds.batches(explain="never"))
    json, msgpack = Encoding.JSON, Encoding.MSGPACK
    return {
        "ingest-json": Decoder(lambda data: train_model_command(data, json), _REFUSALS, of_batches),
        "ingest-msgpack": Decoder(lambda data: train_model_command(data, msgpack), _REFUSALS, packed),
        "score-json": Decoder(
            lambda data: score_command(data, json), _REFUSALS, seeds.as_json(*seeds.single())
        ),
        "score-msgpack": Decoder(
            lambda data: score_command(data, msgpack), _REFUSALS, seeds.as_msgpack(*seeds.single())
        ),
        "batch-json": Decoder(lambda data: score_batch_command(data, json), _REFUSALS, to_score),
        "batch-msgpack": Decoder(
            lambda data: score_batch_command(data, msgpack), _REFUSALS, seeds.as_msgpack(*seeds.batches())
        ),
        # It refuses nothing: it says that it cannot.
        "batch-scanned": Decoder(_scanned, (), to_score),
        "compare-json": Decoder(
            lambda data: posted_batch(data, json), _REFUSALS, seeds.as_json(*seeds.batches())
        ),
        "compare-lines": Decoder(posted_lines, _REFUSALS, [seeds.named_lines(), *seeds.lines()]),
        "promote-json": Decoder(decoding.PROMOTE[json], _REFUSALS, [b'{"model_version":"v1"}']),
        # Neither does a stream: what is wrong with a line is told in its place.
        "lines": Decoder(partial(_answered, score_lines), (), seeds.lines()),
        "ndjson-file": Decoder(partial(_read_lines, FileFormat.NDJSON, columns), (BadLine,), seeds.lines()),
        "ndjson-blocks": Decoder(
            partial(_read_blocks, lambda _: ndjson_blocks(model.metadata)), (BadLine,), seeds.lines()
        ),
        "csv-file": Decoder(partial(_read_lines, FileFormat.CSV, columns), (BadLine,), seeds.csv()),
        "csv-blocks": Decoder(partial(_read_blocks, csv_by_blocks), (BadLine,), seeds.csv()),
        "arrow": Decoder(
            lambda data: arrow_train_command(data, None, None), _REFUSALS, seeds.arrow_streams()
        ),
        "parquet": Decoder(read_parquet, (BadLine,), seeds.parquet_files()),
    }
