"""Feeds decoders, as they are served, their seeds, changed seeds and what was found; a program of its own.

A fault ends it: an exception that is no refusal, a crash of compiled code, or SIGALRM after ten seconds.
"""

import json
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.fuzzing.decoder import Decoder
from tests.fuzzing.decoders import decoders
from tests.robustness.mutations import mutated

SECONDS_EACH: Final = 10


def run(changed: int, found: Path | None) -> dict[str, dict[str, int]]:
    """Return, by decoder, how much it took and how much it refused.

    Args:
        changed: How many changed seeds each is fed.
        found: For each decoder, a folder of further bytes.
    """
    told: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, decoder in decoders(Path(folder)).items():
            counted = told[name] = {"taken": 0, "refused": 0}
            for data in _fed(decoder, changed, None if found is None else found / name):
                # What scores may be compiled for the first seed.
                signal.alarm(SECONDS_EACH if sum(counted.values()) else 0)
                try:
                    counted["taken" if decoder.feed(data) else "refused"] += 1
                except Exception as error:
                    error.add_note(f"{name} was fed {data[:2000]!r}")
                    raise
            signal.alarm(0)
    return told


def _fed(decoder: Decoder, changed: int, found: Path | None) -> Iterator[bytes]:
    yield from decoder.seeds
    choice = random.Random(20261127)
    for _ in range(changed):
        data = choice.choice(decoder.seeds)
        for _ in range(choice.choice([1, 1, 2, 4])):
            data = mutated(data, choice)
        yield data
    if found is not None:
        for path in sorted(found.iterdir()):
            yield path.read_bytes()


if __name__ == "__main__":
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    print(json.dumps(run(int(sys.argv[1]), folder)))  # noqa: T201
