"""`vehicle-anomaly keys new`."""

import json
from datetime import UTC, datetime

import pytest

from tests.adapters.inbound.cli.conftest import CommandLine
from vehicle_anomaly.adapters.inbound.keys.key_ring import KeyRing


def test_a_key_and_the_entry_that_lets_it_in(cli: CommandLine) -> None:
    given = ["--scope", "score", "--scope", "models:read", "--scope", "score", "--model", "fleet-a-"]
    more = ["--expires", "2096-06-30T02:00:00+02:00", "--requests-per-second", "20"]
    ended = cli("keys", "new", "--id", "fleet-a-2026", *given, *more)
    assert (ended.status, ended.err) == (0, "")
    made = json.loads(ended.out)
    caller = KeyRing(json.dumps([made["entry"]])).find(made["key"].encode())
    assert caller is not None
    assert (caller.id, sorted(caller.scopes)) == ("fleet-a-2026", ["models:read", "score"])
    assert caller.models == ("fleet-a-",)
    assert caller.expires_at == datetime(2096, 6, 30, tzinfo=UTC).timestamp()
    assert caller.bucket is not None
    assert caller.bucket.rate == 20
    assert made["key"] not in json.dumps(made["entry"])


def test_what_is_not_asked_for_is_not_in_the_entry(cli: CommandLine) -> None:
    entry = json.loads(cli("keys", "new", "--id", "a", "--scope", "metrics").out)["entry"]
    assert set(entry) == {"id", "sha256", "scopes"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--scope", "score"], "'--id'"),
        (["--id", "a"], "'--scope'"),
        (["--id", "a b", "--scope", "score"], "--id: expected letters"),
        (["--id", "a\n", "--scope", "score"], "--id: expected letters"),
        (["--id", "a", "--scope", "all"], "'--scope'"),
        (["--id", "a", "--scope", "score", "--model", "-x"], "--model: expected letters"),
        (["--id", "a", "--scope", "score", "--expires", "tomorrow"], "--expires: expected a time such as"),
        (["--id", "a", "--scope", "score", "--expires", "2020-01-01T00:00:00Z"], "a time to come"),
        (["--id", "a", "--scope", "score", "--requests-per-second", "0"], "'--requests-per-second'"),
    ],
)
def test_wrong_use(cli: CommandLine, arguments: list[str], told: str) -> None:
    ended = cli("keys", "new", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert told in ended.err
    assert ended.err.count("\n") == 1
