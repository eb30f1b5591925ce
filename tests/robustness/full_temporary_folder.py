"""A service of two workers whose temporary folder is on a full disk; a program of its own.

Run in a mount namespace of its own (`unshare --map-root-user --mount`), where it may mount.
"""

import json
import sys
from pathlib import Path

import httpx

from tests.adapters.inbound.http.processes import SECONDS, Process, serving
from tests.adapters.inbound.http.service import BATCH, READING
from tests.api_keys import an_entry
from tests.robustness.small_disk import fill, mount

KEY = "key-of-a-fleet"
OWNER = {"X-API-Key": KEY}
PATHS = (
    "/nope",
    "/score",
    "/score/batch",
    "/ingest",
    "/models",
    "/models/x",
    "/metrics",
    "/docs",
    "/healthz",
)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def stands(process: Process, caller: httpx.Client, url: str) -> None:
    """Begin as many series as strangers can, on a full disk; the service answers, and ends as it should."""
    for path in (*PATHS, *PATHS):
        for method in METHODS:
            answer = caller.request(method, url + path)
            assert answer.status_code < 500, (method, path, answer.text)
    for _ in range(4):
        answer = caller.post(f"{url}/score", json=READING, headers=OWNER)
        assert answer.status_code == 200, answer.text
        answer = caller.get(f"{url}/metrics", headers=OWNER)
        assert answer.status_code == 200, answer.text
    process.started.terminate()
    assert process.status() == 0, process.log
    events = [event["event"] for event in process.log]
    assert "worker ended" not in events
    # Each worker says so once.
    assert 1 <= events.count("no room to count in files") <= 2, events


def run(folder: Path) -> None:
    """Fill the disk under a service that runs, and start one where it is full."""
    disk = folder / "disk"
    disk.mkdir()
    mount(disk, "rw")
    keys = json.dumps([an_entry("fleet", KEY, "score", "train", "metrics")])
    variables = {"WORKERS": "2", "API_KEYS": keys, "TMPDIR": str(disk)}
    # A connection for each request: the next one may reach the other worker.
    one_each = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(trust_env=False, timeout=SECONDS, limits=one_each) as caller:
        with serving(folder / "models", **variables) as process:
            url = process.wait_for("listening")["url"]
            caller.post(f"{url}/ingest", json=BATCH, headers=OWNER).raise_for_status()
            filler = fill(disk)
            stands(process, caller, url)
        # Python writes a few bytes to find out whether a folder can be used. There is room for no more.
        filler.unlink()
        fill(disk)
        with filler.open("r+b") as file:
            file.truncate(filler.stat().st_size - 4096)
        with serving(folder / "models", **variables) as process:
            stands(process, caller, process.wait_for("listening")["url"])


if __name__ == "__main__":
    run(Path(sys.argv[1]))
