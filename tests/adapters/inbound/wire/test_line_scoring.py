"""Lines get the same answers, byte for byte, whether they are scanned or decoded."""

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FixedClock, InMemoryModels
from vehicle_anomaly.adapters.inbound.wire import line_scoring
from vehicle_anomaly.adapters.inbound.wire.line_blocks import LineBlock, LineBlocks
from vehicle_anomaly.adapters.inbound.wire.line_scoring import LineScoring
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModel, TrainModelCommand

NAMES = ("speed", "rpm", "temperature")
_GOOD: dict[str, Any] = {"vehicle_id": "veh-1", "timestamp": "2026-11-22T10:00:00Z"}


def _scoring(names: tuple[str, ...] | None) -> LineScoring:
    models = InMemoryModels()
    X = np.random.default_rng(0).normal(size=(300, len(NAMES)))
    times = np.full(len(X), np.datetime64("2026-01-01", "us"))
    train = TrainModel(models, FixedClock(), ForestParameters(10))
    known = train(TrainModelCommand(TelemetryBatch(X, ["veh-1"] * len(X), times, names)))
    return LineScoring.by(ScoreTelemetry(models), known)


@pytest.fixture(scope="module", params=[NAMES, None], ids=["named", "unnamed"])
def scoring(request: pytest.FixtureRequest) -> LineScoring:
    return _scoring(request.param)


def _decoded(scoring: LineScoring, block: LineBlock) -> bytes:
    return line_scoring.LineScoring._decoded(scoring, block)  # noqa: SLF001  # what the quick way is held to


_VALUE = st.one_of(st.floats(-10, 10), st.integers(-900, 900), st.none())
_LINE = st.one_of(
    st.builds(
        lambda vector, time: json.dumps(_GOOD | {"feature_vector": vector, "timestamp": time}),
        st.lists(_VALUE, min_size=3, max_size=3),
        st.sampled_from(["2026-11-22T10:00:00Z", "2026-11-22T10:00:00", "2026-11-22 10:00:00.1+05:30"]),
    ),
    st.builds(
        lambda values: json.dumps(_GOOD | {"features": values}),
        st.dictionaries(st.sampled_from(NAMES), _VALUE, min_size=1),
    ),
    st.sampled_from(
        [
            "",
            " \t\r",
            "{}",
            "nothing",
            json.dumps(_GOOD),
            json.dumps(_GOOD | {"feature_vector": [1]}),
            json.dumps(_GOOD | {"feature_vector": [1, 2, 1e300]}),
            json.dumps(_GOOD | {"features": {"unknown": 1}}),
            json.dumps(_GOOD | {"vehicle_id": "Größe 7", "feature_vector": [1, 2, 3]}, ensure_ascii=False),
            json.dumps(_GOOD | {"vehicle_id": 'a"b', "feature_vector": [1, 2, 3]}),
        ]
    ),
)


@given(st.lists(_LINE, max_size=25), st.integers(1, 1000))
def test_scanned_and_decoded_lines_get_the_same_bytes(
    scoring: LineScoring, lines: list[str], first: int
) -> None:
    block = LineBlock.of(first, "".join(f"{line}\n" for line in lines).encode())
    assert scoring(block) == _decoded(scoring, block)


def test_lines_that_are_right_are_not_decoded(scoring: LineScoring, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(_: LineScoring, block: LineBlock) -> bytes:
        raise AssertionError(block.text)

    text = json.dumps(_GOOD | {"feature_vector": [1, 2.5, None]}).encode() + b"\n"
    expected = _decoded(scoring, LineBlock.of(1, text * 50))
    monkeypatch.setattr(LineScoring, "_decoded", decoded)
    assert scoring(LineBlock.of(1, text * 50)) == expected


def test_one_bad_line_leaves_the_others_to_the_scan(
    scoring: LineScoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(_GOOD | {"feature_vector": [1, 2.5, 3]}).encode() + b"\n"
    block = LineBlock.of(1, text * 20 + b"bad\n" + text * 20)
    expected = _decoded(scoring, block)
    seen: list[bytes] = []
    plainly = LineScoring._decoded  # noqa: SLF001

    def decoded(self: LineScoring, odd: LineBlock) -> bytes:
        seen.append(odd.text)
        return plainly(self, odd)

    monkeypatch.setattr(LineScoring, "_decoded", decoded)
    assert scoring(block) == expected
    assert seen == [b"bad\n"]


@given(
    st.lists(st.sampled_from([b"", b"a", b"abcdefgh", b"abcdefghi", b"\r"]), max_size=12),
    st.lists(st.integers(0, 100), max_size=8),
    st.booleans(),
)
def test_lines_are_the_same_however_they_arrive(lines: list[bytes], cuts: list[int], ended: bool) -> None:
    text = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    blocks = LineBlocks(max_line_bytes=8)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    found = [blocks.feed(text[begin:end]) for begin, end in itertools.pairwise(places)]
    found.append(blocks.end())
    expected = [line if len(line) <= 8 else None for line in text.split(b"\n")]
    if expected[-1] == b"":
        expected.pop()
    assert [line for block in found for line in block.lines()] == expected
    numbers = [block.first + place for block in found for place in range(block.n_lines)]
    assert numbers == list(range(1, len(expected) + 1))
    together = LineBlock.empty(1)
    for block in found:
        together = together.followed_by(block)
    head, rest = together.cut(3)
    assert head.lines() + rest.lines() == expected
    assert (head.n_lines, rest.first) == (min(3, len(expected)), 1 + min(3, len(expected)))
