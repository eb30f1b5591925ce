"""Anything that can be sent is answered, and never by a failure of the service."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.inbound.http.service import NAMES, READING, Service, problem_in

FIELDS = (*READING, "features", "records", "feature_names", "model_name", "model_version", "x", "")
numbers = st.integers() | st.floats() | st.integers(-5, 5)
words = st.text(max_size=20) | st.sampled_from(["v1", "default", READING["timestamp"], *NAMES])
leaves = st.none() | st.booleans() | numbers | words | st.lists(numbers, min_size=3, max_size=3)


def _nest(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = st.dictionaries(st.sampled_from((*FIELDS, *NAMES)), inner, max_size=6)
    near_misses = fields.map(lambda some: {**READING, **some})
    return st.lists(inner, max_size=4) | fields | near_misses | st.fixed_dictionaries({"records": inner})


values = st.recursive(leaves, _nest, max_leaves=12)
json_bodies = values.map(msgspec.json.encode)
msgpack_bodies = values.filter(lambda value: not _has_large_integer(value)).map(msgspec.msgpack.encode)


@st.composite
def _with_a_number_no_float_holds(draw: st.DrawFn) -> bytes:
    body = draw(json_bodies)
    return re.sub(rb"\d+", lambda number: draw(st.sampled_from([number[0], b"1e400"])), body)


@st.composite
def _with_bytes_put_in(draw: st.DrawFn) -> bytes:
    body = draw(json_bodies | msgpack_bodies)
    position = draw(st.integers(0, len(body)))
    put_in = draw(
        st.sampled_from([b"]", b"}", b'"', b"\\", b"\n", b"\xff", b"[", b"{", b",", b"\\ud800", b"NaN"])
    )
    return body[:position] + put_in + body[position:]


bodies = st.one_of(
    _with_bytes_put_in(),
    _with_a_number_no_float_holds(),
    st.binary(max_size=200),
    json_bodies,
    msgpack_bodies,
    st.tuples(json_bodies | msgpack_bodies, st.integers(0, 60)).map(lambda cut: cut[0][: cut[1]]),
)
content_types = st.one_of(
    st.sampled_from(["application/json", "application/msgpack", "application/json;charset=x", "text/plain"]),
    st.text('azJ/+;=*," .', max_size=20).map(str.strip),
)

accepts = st.one_of(
    content_types,
    st.lists(
        st.builds(
            "{};q={}".format,
            st.sampled_from(["*/*", "application/json", "application/msgpack", "a/b"]),
            st.floats().map(str) | st.sampled_from(["1e400", "0.5", "", "x", "-1"]),
        ),
        min_size=1,
        max_size=3,
    ).map(", ".join),
)


def _has_large_integer(value: object) -> bool:
    # MessagePack has no integers beyond 64 bits.
    if isinstance(value, dict):
        return any(map(_has_large_integer, value.values()))
    if isinstance(value, list):
        return any(map(_has_large_integer, value))
    return isinstance(value, int) and not -(2**63) <= value < 2**64


@pytest.mark.parametrize(
    "call",
    [("POST", "/ingest"), ("POST", "/score"), ("POST", "/score/batch"), ("PUT", "/models/default/latest")],
)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=bodies, content_type=content_types, accept=accepts)
def test_never_a_failure(
    scratch: Service, call: tuple[str, str], body: bytes, content_type: str, accept: str
) -> None:
    headers = {"content-type": content_type, "accept": accept}
    response = scratch.client.request(*call, content=body, headers=headers)
    if not response.is_success:
        assert problem_in(response).status < 500
