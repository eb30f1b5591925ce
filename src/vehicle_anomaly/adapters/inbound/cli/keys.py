"""`vehicle-anomaly keys`."""

import re
from datetime import UTC, datetime

import click
import msgspec
from msgspec import UNSET

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.printing import print_json
from vehicle_anomaly.adapters.inbound.keys.entries import (
    KEY_ID_PATTERN,
    MODEL_PREFIX_PATTERN,
    KeyEntry,
    new_key,
)
from vehicle_anomaly.adapters.inbound.keys.scopes import KeyScope


class NewKey(msgspec.Struct, frozen=True):
    """A key, which is told this once, and its entry in API_KEYS."""

    key: str
    entry: KeyEntry


@click.group(
    epilog=examples("vehicle-anomaly keys new --id fleet-a-2026 --scope score --scope models:read"),
)
def keys() -> None:
    """Make keys for callers of the HTTP API."""


@keys.command(
    epilog=examples(
        "vehicle-anomaly keys new --id fleet-a-2026 --scope score --scope models:read",
        "vehicle-anomaly keys new --id trainer --scope train --model fleet-a- --expires 2027-06-30T00:00:00Z",
        "vehicle-anomaly keys new --id prometheus --scope metrics | jq -c .entry",
    ),
)
@click.option("--id", "key_id", required=True, help="Names the key in logs and answers; no secret.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice([scope.value for scope in KeyScope]),
    help="What it may do; may be given several times.",
)
@click.option("--expires", help="When it ends, RFC 3339 such as 2027-06-30T00:00:00Z; never when not given.")
@click.option(
    "--requests-per-second",
    type=click.FloatRange(0, 1_000_000, min_open=True),
    help="How often it may call one process.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    help="What the names of models begin with that it may name; several may be given, none for all.",
)
def new(
    key_id: str,
    scopes: tuple[str, ...],
    expires: str | None,
    requests_per_second: float | None,
    models: tuple[str, ...],
) -> None:
    """Make a key that nobody can guess; print it with its entry for API_KEYS.

    The key is kept nowhere: give it to its caller, and put the entry, which holds only its hash, into the
    list that API_KEYS holds or names.
    """
    _check(key_id, KEY_ID_PATTERN, "--id")
    for model in models:
        _check(model, MODEL_PREFIX_PATTERN, "--model")
    key, sha256 = new_key()
    entry = KeyEntry(
        key_id,
        sha256,
        list(dict.fromkeys(scopes)),
        UNSET if expires is None else _future(expires),
        UNSET if requests_per_second is None else requests_per_second,
        list(models) or UNSET,
    )
    print_json(NewKey(key, entry))


def _check(text: str, pattern: str, option: str) -> None:
    if not re.fullmatch(pattern, text):
        raise click.BadParameter(
            f"expected letters, digits and ._-, 64 at most, the first no mark, got {text[:80]!r}",
            param_hint=option,
        )


def _future(text: str) -> datetime:
    try:
        expires = msgspec.convert(text, datetime)
    except msgspec.ValidationError as error:
        raise click.BadParameter(
            f"expected a time such as 2027-06-30T00:00:00Z, got {text[:80]!r}", param_hint="--expires"
        ) from error
    if expires.tzinfo is None:
        expires = expires.replace(tzinfo=UTC)
    if expires <= datetime.now(UTC):
        raise click.BadParameter(f"expected a time to come, got {text[:80]!r}", param_hint="--expires")
    return expires
