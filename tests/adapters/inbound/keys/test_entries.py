"""API_KEYS as operators write it."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api_keys import an_entry
from vehicle_anomaly.adapters.inbound.keys.entries import UnusableKeys, decode_entries, new_key

ENTRY = an_entry("fleet-a", "secret", "score")


def test_an_entry() -> None:
    given = an_entry(
        "fleet-a",
        "secret",
        "score",
        "models:read",
        expires="2027-06-30T02:00:00+02:00",
        requests_per_second=2.5,
        models=["fleet-a-"],
    )
    [entry] = decode_entries(json.dumps([given]).encode())
    assert (entry.id, entry.scopes, entry.models) == ("fleet-a", ["score", "models:read"], ["fleet-a-"])
    assert entry.requests_per_second == 2.5
    assert entry.expires_at == datetime(2027, 6, 30, tzinfo=UTC).timestamp()


def test_a_time_without_an_offset_is_utc_and_none_is_never() -> None:
    text = json.dumps([{**ENTRY, "expires": "2027-06-30T00:00:00"}, an_entry("b", "other", "score")])
    first, second = decode_entries(text.encode())
    assert first.expires_at == datetime(2027, 6, 30, tzinfo=UTC).timestamp()
    assert second.expires_at == float("inf")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected a JSON list of keys: "),
        ("{", "expected a JSON list of keys: "),
        ("\udc80", "expected a JSON list of keys: "),
        ("[" * 100_000, "expected a JSON list of keys: "),
        ("{}", "got `object`"),
        ([{}], "missing required field `id` - at `$[0]`"),
        ([{**ENTRY, "id": "a b"}], "- at `$[0].id`"),
        ([{**ENTRY, "id": "a\n"}], "- at `$[0].id`"),
        ([{**ENTRY, "sha256": "secret"}], "- at `$[0].sha256`"),
        ([{**ENTRY, "sha256": None}], "- at `$[0].sha256`"),
        ([{**ENTRY, "scopes": []}], "- at `$[0].scopes`"),
        (
            [{**ENTRY, "scopes": ["secret"]}],
            "expected of scopes only metrics, models:read, models:write, score",
        ),
        ([{**ENTRY, "scopes": "score"}], "- at `$[0].scopes`"),
        ([{**ENTRY, "expires": "secret"}], "- at `$[0].expires`"),
        ([{**ENTRY, "requests_per_second": 0}], "- at `$[0].requests_per_second`"),
        ([{**ENTRY, "requests_per_second": 5e-324}], "- at `$[0].requests_per_second`"),
        ([{**ENTRY, "models": []}], "- at `$[0].models`"),
        ([{**ENTRY, "models": [""]}], "- at `$[0].models[0]`"),
        ([{**ENTRY, "scope": "score"}], "unknown field `scope` - at `$[0]`"),
        ([ENTRY, {**ENTRY, "id": "b"}], "expected each sha256 once - at `$[1].sha256`"),
        ([ENTRY, an_entry("b", "secret", "score") | {"sha256": ENTRY["sha256"].upper()}], "each sha256 once"),
        ([ENTRY, an_entry("fleet-a", "other", "score")], "expected each id once - at `$[1].id`"),
    ],
)
def test_what_is_no_list_of_keys_is_told_by_its_place_and_not_by_what_stands_there(
    text: Any, told: str
) -> None:
    content = text if isinstance(text, str) else json.dumps(text)
    with pytest.raises(UnusableKeys) as raised:
        decode_entries(content.encode("utf-8", "surrogateescape"))
    assert told in str(raised.value)
    assert "secret" not in str(raised.value)
    assert ENTRY["sha256"] not in str(raised.value)


def test_new_keys_are_long_and_all_different() -> None:
    made = [new_key() for _ in range(1000)]
    assert len({key for key, _ in made}) == 1000
    for key, sha256 in made:
        assert key.startswith("va_")
        assert len(key) == 46
        assert sha256 == hashlib.sha256(key.encode()).hexdigest()
