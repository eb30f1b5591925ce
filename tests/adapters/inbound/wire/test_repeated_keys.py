"""A name that stands twice in one JSON object is refused, and said where, however the message is read."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import InMemoryModels, a_batch, a_trained_model
from vehicle_anomaly.adapters.inbound.sqs.messages import decode_request
from vehicle_anomaly.adapters.inbound.wire import decoding
from vehicle_anomaly.adapters.inbound.wire.bulk import score_batch, score_batch_for_json
from vehicle_anomaly.adapters.inbound.wire.commands import score_command, train_model_command
from vehicle_anomaly.adapters.inbound.wire.comparisons import posted_batch, posted_lines
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.adapters.inbound.wire.line_blocks import LineBlock
from vehicle_anomaly.adapters.inbound.wire.line_scoring import LineScoring
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.repeated_keys import refuse_repeated, repeated
from vehicle_anomaly.adapters.inbound.wire.requests import ScoreRequest
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry

NAMES = ("speed", "a:b", "pressure")
GOOD = '{"vehicle_id":"v:1","timestamp":"2026-11-22T10:00:00Z","feature_vector":[1,2,3]}'
NAMED = '{"vehicle_id":"v","timestamp":"2026-11-22T10:00:00Z","features":{"speed":1,"a:b":2}}'
TWICE = {
    "vehicle": (GOOD.replace('"timestamp"', '"vehicle_id":"w","timestamp"'), "vehicle_id"),
    "time": (GOOD[:-1] + ',"timestamp":"2026-11-22T10:00:00Z"}', "timestamp"),
    "vector": (
        GOOD.replace('"feature_vector"', '"feature_vector":null,"feature_vector"').replace("null", "[9]"),
        "feature_vector",
    ),
    "feature": (NAMED.replace('"a:b":2', '"a:b":2,"speed":1'), "features.speed"),
    "feature with a colon": (NAMED.replace('"a:b":2', '"a:b":2,"a:b":3'), "features.a:b"),
    "escaped": (GOOD.replace('"timestamp"', '"vehicle\\u005fid":"w","timestamp"'), "vehicle_id"),
    "spaced": (GOOD.replace('"timestamp"', '"vehicle_id" :\n "w", "timestamp"'), "vehicle_id"),
}


@pytest.fixture(scope="module")
def scoring() -> ScoreTelemetry:
    models = InMemoryModels()
    models.publish(a_trained_model("v1", batch=a_batch(feature_names=NAMES)))
    return ScoreTelemetry(models)


def _place(read: Callable[[bytes], object], text: str) -> str:
    with pytest.raises(MalformedMessage) as refused:
        read(text.encode())
    [wrong] = refused.value.wrong
    assert wrong.reason == "stands twice; a name may stand once"
    return str(wrong.place)


@pytest.mark.parametrize("name", TWICE)
def test_in_a_record(scoring: ScoreTelemetry, name: str) -> None:
    record, place = TWICE[name]
    good = NAMED if "features" in record else GOOD
    batch = f'{{"records":[{good},{record},{good}]}}'
    within = f"records[1].{place}"
    assert _place(lambda text: score_command(text, Encoding.JSON), record) == place
    for read in (
        lambda text: train_model_command(text, Encoding.JSON),
        lambda text: score_batch_for_json(text, scoring),
        lambda text: score_batch(text, Encoding.JSON, scoring),
        lambda text: posted_batch(text, Encoding.JSON),
    ):
        assert _place(read, batch) == within
    line = record.replace("\n", " ")
    assert _place(posted_lines, f"{good}\n{line}\n") == within


@pytest.mark.parametrize("name", TWICE)
def test_in_a_line_of_a_stream(scoring: ScoreTelemetry, name: str) -> None:
    record, place = TWICE[name]
    known = scoring.models.load(*_first(scoring))
    lines = "".join(f"{each}\n" for each in (GOOD, record.replace("\n", " "), GOOD)).encode()
    first, second, third = map(
        json.loads, LineScoring.by(scoring, known.metadata)(LineBlock(1, lines, 3)).splitlines()
    )
    assert "anomaly_score" in first
    assert "anomaly_score" in third
    assert second["detail"] == f"{place}: stands twice; a name may stand once"


def _first(scoring: ScoreTelemetry) -> Any:
    [name] = scoring.models.names()
    return name, scoring.models.latest(name)


@pytest.mark.parametrize("name", ["model_name", "records"])
def test_beside_the_records(scoring: ScoreTelemetry, name: str) -> None:
    more = {"model_name": '"model_name":"a","model_name":"default"', "records": f'"records":[{GOOD}]'}[name]
    text = f'{{"records":[{GOOD}],{more}}}'
    assert _place(lambda text: train_model_command(text, Encoding.JSON), text) == name
    assert _place(lambda text: score_batch_for_json(text, scoring), text) == name
    queued = '{"type":"score_batch",' + text[1:]
    assert _place(decode_request, queued) == name
    assert _place(decode_request, '{"type":"score",' + TWICE["vehicle"][0][1:]) == "vehicle_id"
    assert _place(decode_request, '{"type":"score_batch",' + queued[1:]) == "type"


def test_in_other_messages() -> None:
    text = '{"model_version":"v1","model_version":"v2"}'
    assert _place(decoding.PROMOTE[Encoding.JSON], text) == "model_version"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        NAMED,
        GOOD[:-1] + ',"model_name":"default","model_version":null,"explain":null}',
        GOOD[:-1] + ',"model_name":"vans","explain":"always"}',
        NAMED.replace("speed", "timestamp"),
        NAMED.replace("speed", '\\":\\"speed'),
    ],
)
def test_what_stands_once_is_taken(text: str) -> None:
    assert score_command(text.encode(), Encoding.JSON)


keys = st.text(max_size=3) | st.sampled_from(['"', "\\", ":", "a"])
trees = st.recursive(
    st.none() | st.text(max_size=4) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.tuples(keys, inner), max_size=3).map(dict)
        | st.lists(st.tuples(keys, inner), max_size=3).map(tuple)
    ),
    max_leaves=10,
)


def _written(tree: Any) -> str:
    """Write JSON; a tuple is an object whose names may stand more than once."""
    if isinstance(tree, list):
        return "[" + ",".join(map(_written, tree)) + "]"
    if isinstance(tree, (dict, tuple)):
        pairs = tree.items() if isinstance(tree, dict) else tree
        return "{" + " , ".join(f"{json.dumps(name)} : {_written(value)}" for name, value in pairs) + "}"
    return json.dumps(tree)


@given(trees)
def test_the_same_is_found_as_by_a_reader_that_is_told_of_every_name(tree: Any) -> None:
    found = False

    def pairs(given: list[tuple[str, Any]]) -> None:
        nonlocal found
        found |= len({name for name, _ in given}) < len(given)

    text = _written(tree)
    json.loads(text, object_pairs_hook=pairs)
    assert (repeated(text.encode()) is not None) == found


@given(
    st.lists(
        st.sampled_from(["vehicle_id", "timestamp", "feature_vector", "model_name", "explain"]), max_size=4
    ),
    st.text(':"\\a', max_size=4),
)
def test_what_is_counted_is_never_fewer_than_there_are(names: list[str], vehicle: str) -> None:
    """Whatever else stands in a request: a name that stands twice is found."""
    values = {
        "vehicle_id": vehicle or "v",
        "timestamp": "2026-11-22T10:00:00Z",
        "feature_vector": [1],
        "model_name": "default",
        "explain": None,
    }
    all_names = ["vehicle_id", "timestamp", "feature_vector", *names]
    text = ("{" + ",".join(f'"{name}":{json.dumps(values[name])}' for name in all_names) + "}").encode()
    decoded = msgspec.json.decode(text, type=ScoreRequest)
    if len(set(all_names)) == len(all_names):
        refuse_repeated(text, decoded)
    else:
        with pytest.raises(MalformedMessage):
            refuse_repeated(text, decoded)
