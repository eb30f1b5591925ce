"""Where in a message something is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vehicle_anomaly.adapters.inbound.wire.decoding import INGEST, Encoding
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.places import Place, place_at


@pytest.mark.parametrize(
    ("steps", "text", "pointer"),
    [
        ((), "body", ""),
        (
            ("records", 17, "feature_vector", 3),
            "records[17].feature_vector[3]",
            "/records/17/feature_vector/3",
        ),
        ((0, 1), "[0][1]", "/0/1"),
        (("features", "a/b~c"), "features.a/b~c", "/features/a~1b~0c"),
        (("features", "~1"), "features.~1", "/features/~01"),
        (("a\nb",), "'a\\nb'", "/a\nb"),
    ],
)
def test_words_and_pointer(steps: tuple[str | int, ...], text: str, pointer: str) -> None:
    assert (str(Place(steps)), Place(steps).pointer) == (text, pointer)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$", ()),
        ("", ()),
        ("$.records", ("records",)),
        ("$.records[17].vehicle_id", ("records", 17, "vehicle_id")),
        ("$[3]", (3,)),
        ("$.features[...]", ("features",)),
        ("$[...][...]", ()),
    ],
)
def test_paths_of_msgspec(path: str, steps: tuple[str | int, ...]) -> None:
    assert Place.from_msgspec(path).steps == steps


def test_within_a_larger_message() -> None:
    assert Place(("timestamp",)).within("records", 5) == Place(("records", 5, "timestamp"))


@pytest.mark.parametrize(
    ("before", "steps"),
    [
        ("", ()),
        ("{", ()),
        ('{"a":', ("a",)),
        ('{"a": {"b": [1, [], {}, ', ("a", "b", 3)),
        ('{"a": [1], "b": ', ("b",)),
        ('{"a": [1], "b', ()),
        ('{"a": [{"b": 1}, ', ("a", 1)),
        ('{"a": "x]}', ("a",)),
        ('{"a": "x\\\\"', ("a",)),
        ('{"a": "x\\\\\\"]', ("a",)),
        ('{"a": "x\\\\', ("a",)),
        ('{"[{,:": [0, ', ("[{,:", 1)),
        ('{"": ', ("",)),
        ('{"\\u00e9\\"/": ', ('é"/',)),
        ('[{"a": 1}, [2], ', (2,)),
    ],
)
def test_place_of_a_byte(before: str, steps: tuple[str | int, ...]) -> None:
    text = before.encode()
    assert place_at(text + b"\xff", len(text)) == Place(steps)


def test_a_byte_too_far_into_the_text_is_not_searched_for() -> None:
    assert place_at(b" " * 5_000_000, 4_999_999) is None


@pytest.mark.parametrize("behind", [b":", b",", b"]", b"}", b'":"', b":[]}"])
def test_what_stands_behind_the_end_is_in_the_body_as_a_whole(behind: bytes) -> None:
    text = b'{"records":[]}' + behind
    with pytest.raises(MalformedMessage) as refused:
        INGEST[Encoding.JSON](text)
    assert refused.value.wrong[0].place == Place()


Steps = tuple[str | int, ...]
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def _places(document: Any, steps: Steps = ()) -> list[Steps]:
    children: list[tuple[str | int, Any]] = []
    if isinstance(document, dict):
        children = list(document.items())
    elif isinstance(document, list):
        children = list(enumerate(document))
    return [steps, *(place for step, child in children for place in _places(child, (*steps, step)))]


def _replaced(document: Any, steps: Steps, value: Any) -> Any:
    if not steps:
        return value
    copy = document.copy()
    copy[steps[0]] = _replaced(document[steps[0]], steps[1:], value)
    return copy


@given(st.data(), documents, st.booleans(), st.sampled_from([None, 1]))
def test_a_value_that_is_no_json_is_found(
    data: st.DataObject, document: Any, escaped: bool, indent: int | None
) -> None:
    mark = "a mark that no text of the document holds"
    steps = data.draw(st.sampled_from(_places(document)))
    text = json.dumps(_replaced(document, steps, mark), ensure_ascii=escaped, indent=indent)
    malformed = text.replace(f'"{mark}"', "NaN").encode()
    offset = text.encode().index(f'"{mark}"'.encode())
    assert place_at(malformed, offset) == Place(steps)
