"""What a service gives back once it has started."""

import sys
from pathlib import Path

import httpx
import pytest

from tests.adapters.inbound.http.processes import serving
from vehicle_anomaly.adapters.inbound.http.settling import unmodified_ranges

_SMAPS = """\
7f0000000000-7f0000003000 r-xp 00365000 fe:00 1605                       /a folder/libllvmlite.so
Size:                 12 kB
Anonymous:             0 kB
7f0000003000-7f0000004000 r--p 09677000 fe:00 1605                       /a folder/libllvmlite.so
Anonymous:             4 kB
7f0000004000-7f0000006000 rw-p 0983c000 fe:00 1605                       /a folder/libllvmlite.so
Anonymous:             0 kB
7f0000006000-7f0000007000 rw-p 00000000 00:00 0
Anonymous:             0 kB
7f0000007000-7f0000009000 r--p 00000000 fe:00 1605                       /a folder/libllvmlite.so
Anonymous:             0 kB
7f0000009000-7f000000a000 r-xp 00000000 fe:00 1700                       /libllvmlite.so/libc.so.6
Anonymous:             0 kB
7f000000a000-7f000000b000 ---p 00000000 00:00 0
Anonymous:             0 kB
"""


def test_only_what_can_be_read_again_from_the_named_library_is_given_back() -> None:
    found = list(unmodified_ranges(_SMAPS.splitlines(), "libllvmlite"))
    assert found == [(0x7F0000000000, 0x3000), (0x7F0000007000, 0x2000)]


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_service_serves_and_trains_without_the_pages_of_the_compiler(tmp_path: Path) -> None:
    with serving(tmp_path) as process:
        url = process.wait_for("listening")["url"]
        smaps = Path(f"/proc/{process.started.pid}/smaps").read_text().splitlines()
        kept = sum(size for _, size in _resident(smaps, "libllvmlite"))
        assert kept < 8 * 1024
        records = [
            {"vehicle_id": "veh-1", "timestamp": "2026-11-22T10:00:00Z", "feature_vector": [n, n % 7]}
            for n in range(300)
        ]
        with httpx.Client(base_url=url, timeout=60) as client:
            assert client.post("/ingest", json={"records": records}).status_code == 201
            assert client.post("/score", json=records[0]).status_code == 200


def _resident(smaps: list[str], name: str) -> list[tuple[str, int]]:
    """List mappings of a library and their resident kilobytes."""
    found, mapping = [], ""
    for line in smaps:
        if "-" in line.split()[0]:
            mapping = line
        elif line.startswith("Rss:") and name in mapping:
            found.append((mapping, int(line.split()[1])))
    return found
