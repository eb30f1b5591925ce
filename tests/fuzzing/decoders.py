"""Every decoder of what comes from outside, by name."""

from pathlib import Path
from typing import Final

from tests.fuzzing.decoder import Decoder
from tests.fuzzing.other_decoders import other_decoders
from tests.fuzzing.stored_decoders import stored_decoders
from tests.fuzzing.telemetry_decoders import telemetry_decoders

NAMES: Final = (
    "arrow",
    "batch-json",
    "batch-msgpack",
    "batch-scanned",
    "compare-json",
    "compare-lines",
    "csv-blocks",
    "csv-file",
    "forest",
    "forest-arrays",
    "guards",
    "guards-arrays",
    "ingest-json",
    "ingest-msgpack",
    "keys",
    "latest",
    "lines",
    "manifest",
    "ndjson-blocks",
    "ndjson-file",
    "parquet",
    "promote-json",
    "promotion",
    "query",
    "queue-message",
    "queue-pointer",
    "report",
    "sample",
    "score-json",
    "score-msgpack",
    "settings",
    "signing-keys",
)


def decoders(folder: Path) -> dict[str, Decoder]:
    """Return all of them; `folder` is empty, and takes what some of them need."""
    return {**telemetry_decoders(), **stored_decoders(folder), **other_decoders()}
