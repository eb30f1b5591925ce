"""Files are read block by block to the same verdicts and the same errors as line by line."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakes import FixedClock, InMemoryModels
from vehicle_anomaly.adapters.inbound.cli.verdict_output import text_of
from vehicle_anomaly.adapters.inbound.files import blocks as blocks_module
from vehicle_anomaly.adapters.inbound.files import numbered_lines, scanned_files
from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.files.block_scoring import BlockScoring
from vehicle_anomaly.adapters.inbound.files.columns import ModelColumns
from vehicle_anomaly.adapters.inbound.files.csv_files import CsvTelemetry
from vehicle_anomaly.adapters.inbound.files.formats import FileFormat
from vehicle_anomaly.adapters.inbound.files.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.files.reading import read_file
from vehicle_anomaly.adapters.inbound.wire import compiled_wire
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import ModelMetadata
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

NAMES = ("speed", "rpm")
_MOMENTS = ["2026-11-22T10:00:00Z", "2026-11-22 10:00:00", "2026-11-22T10:00:00.5+05:30"]


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    compiled_wire.warm_up()
    scanned_files.warm_up()


@pytest.fixture(scope="module")
def trained() -> tuple[ScoreTelemetry, ModelMetadata]:
    models = InMemoryModels()
    X = np.random.default_rng(0).normal(size=(300, 2))
    times = np.full(len(X), np.datetime64("2026-01-01", "us"))
    batch = TelemetryBatch(X, ["veh-1"] * len(X), times, NAMES)
    known = TrainModel(models, FixedClock(), ForestParameters(10))(TrainModelCommand(batch))
    return ScoreTelemetry(models), known


class _Halting(io.BytesIO):
    """A file of which as much comes at once as somebody says."""

    def __init__(self, data: bytes, sizes: Sequence[int]) -> None:
        super().__init__(data)
        self._sizes = iter(sizes)

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read(next(self._sizes, size))


def _outcome(work: Callable[[], Iterator[bytes]]) -> tuple[bytes, str | None]:
    """Return the text, or of a file that is refused the reason: what came before may be more or less."""
    try:
        return b"".join(work()), None
    except BadLine as error:
        return b"", str(error)


def _by_blocks(scoring: BlockScoring, stream: BinaryIO, file_format: FileFormat) -> Iterator[bytes]:
    columns = ModelColumns(scoring.model, lambda _: None)
    for _, text in scoring.file(stream, "file", file_format, columns, lambda _: None):
        yield text


def _by_lines(scoring: BlockScoring, stream: BinaryIO, file_format: FileFormat) -> Iterator[bytes]:
    columns = ModelColumns(scoring.model, lambda _: None)
    readings = read_file(NumberedLines(stream, "file", lambda _: None), file_format, columns)
    for _, text in scoring.readings(readings):
        yield text


_CELL = st.one_of(
    st.floats(-1e30, 1e30).map(repr),
    st.integers(-900, 900).map(str),
    st.sampled_from(
        ["", " ", " 1.5 ", "-0", "-0.0", "+1", ".5", "5.", "007", "1e3", "12345678901234567890123"]
    ),
)
_ODD_CELL = st.sampled_from(["nan", "x", '"1.5"', '"1', "1_0", "1e400", "-", "٣", '"1\n"', "1\r2"])
_ROW = st.builds(
    lambda vehicle, moment, values: ",".join([vehicle, *values[:1], moment, *values[1:]]),
    st.sampled_from(["veh-1", "a b", "v" * 64]),
    st.sampled_from(_MOMENTS),
    st.lists(_CELL, min_size=2, max_size=2),
)
_ODD_ROW = st.one_of(
    st.builds(lambda odd: f"veh-1,{odd},{_MOMENTS[0]},1", _ODD_CELL),
    st.sampled_from(
        ["", "\r", " ", "veh-1", f"veh-1,1,{_MOMENTS[0]},1,1", f",1,{_MOMENTS[0]},1", "v,1,today,1"]
        + [f"{vehicle},1,{_MOMENTS[0]},1" for vehicle in ("Größe", "a\\b", '"a,b"', '"a""b"', "v" * 65)]
    ),
)
_SIZES = st.lists(st.integers(1, 90), max_size=12)


def _with_one(usual: st.SearchStrategy[str], odd: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Make lists that hold something odd once: of two faults either way may tell another first."""
    some = st.lists(usual, max_size=9)
    return st.builds(
        lambda before, one, after: [*before, *one, *after], some, st.lists(odd, max_size=1), some
    )


@given(
    _with_one(_ROW, _ODD_ROW),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    _SIZES,
)
@example([f'"a\nb",1,{_MOMENTS[0]},1', f"veh-1,1,{_MOMENTS[0]},2"], "\n", True, [30, 5, 5])
def test_rows_get_the_same_verdicts(
    trained: tuple[ScoreTelemetry, ModelMetadata], rows: list[str], end: str, ended: bool, sizes: list[int]
) -> None:
    scoring = BlockScoring(*trained, text_of(FileFormat.NDJSON))
    text = end.join(["vehicle_id,rpm,timestamp,speed", *rows]) + (end if ended else "")
    expected = _outcome(partial(_by_lines, scoring, io.BytesIO(text.encode()), FileFormat.CSV))
    assert _outcome(partial(_by_blocks, scoring, _Halting(text.encode(), sizes), FileFormat.CSV)) == expected


_HEAD: dict[str, Any] = {"vehicle_id": "veh-1", "timestamp": _MOMENTS[0]}
_LINE = st.sampled_from(
    [
        *[json.dumps(_HEAD | {"features": {"speed": value, "rpm": 2}}) for value in (1.5, None, -0.0)],
        *[json.dumps(_HEAD | {"feature_vector": [1, value]}) for value in (1.5, None, 3)],
        json.dumps(_HEAD | {"features": {"rpm": 2}, "timestamp": _MOMENTS[1]}),
        json.dumps(_HEAD | {"vehicle_id": "Größe", "feature_vector": [1, 2]}, ensure_ascii=False),
        "",
        " \t\r",
    ]
)
_ODD_LINE = st.sampled_from(["{}", "x", json.dumps(_HEAD | {"features": {"torque": 1}})])


@given(_with_one(_LINE, _ODD_LINE), st.booleans(), _SIZES)
def test_records_get_the_same_verdicts(
    trained: tuple[ScoreTelemetry, ModelMetadata], lines: list[str], ended: bool, sizes: list[int]
) -> None:
    if lines in ([], [""]):
        # Nothing but a byte order mark is no line here, and a bad one there.
        return
    for output in (FileFormat.NDJSON, FileFormat.CSV):
        scoring = BlockScoring(*trained, text_of(output))
        text = "\ufeff" + "\n".join(lines) + ("\n" if ended else "")
        expected = _outcome(partial(_by_lines, scoring, io.BytesIO(text.encode()), FileFormat.NDJSON))
        found = _outcome(partial(_by_blocks, scoring, _Halting(text.encode(), sizes), FileFormat.NDJSON))
        assert found == expected


def test_usual_files_are_not_read_line_by_line(
    trained: tuple[ScoreTelemetry, ModelMetadata], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> Iterator[Any]:
        raise AssertionError

    rows = [f"veh-{number},{number / 7},{_MOMENTS[number % 3]}," for number in range(5000)]
    text = "\n".join(["vehicle_id,rpm,timestamp,speed", *rows]).encode()
    scoring = BlockScoring(*trained, text_of(FileFormat.NDJSON))
    expected = b"".join(_by_lines(scoring, io.BytesIO(text), FileFormat.CSV))
    monkeypatch.setattr(CsvTelemetry, "readings", read)
    assert b"".join(_by_blocks(scoring, io.BytesIO(text), FileFormat.CSV)) == expected


@pytest.mark.parametrize("length", [99, 100, 101, 5000])
def test_a_line_that_is_too_long_is_told_by_its_number(
    trained: tuple[ScoreTelemetry, ModelMetadata], monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr(numbered_lines, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(blocks_module, "MAX_LINE_BYTES", 100)
    scoring = BlockScoring(*trained, text_of(FileFormat.NDJSON))
    good = json.dumps(_HEAD | {"feature_vector": [1, 2]}).encode() + b"\n"
    text = good * 3 + good.strip().ljust(length) + b"\n" + good
    by_lines, by_blocks = (
        _outcome(partial(by, scoring, stream, FileFormat.NDJSON))
        for by, stream in ((_by_lines, io.BytesIO(text)), (_by_blocks, _Halting(text, [50] * 200)))
    )
    assert by_blocks == by_lines
    assert (by_lines[1] is None) == (length < 100)
