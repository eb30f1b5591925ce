"""Load on one URL: by wrk where it is installed, and otherwise by a client of our own."""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

CONNECTIONS: Final = 8
HEADERS: Final = {"Content-Type": "application/json"}

# Counts what is not an answer of the route as a failure, and tells all of it as JSON.
_SCRIPT: Final = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = %s
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('\\n{"requests":%%d,"seconds":%%f,"failed":%%d,"p50":%%f,"p99":%%f}\\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a route answered under load.

    Attributes:
        requests: Answered.
        per_second: Of them.
        p50: Milliseconds.
        p99: Milliseconds.
    """

    requests: float
    per_second: float
    p50: float
    p99: float


@cache
def generator() -> str:
    """Name what makes the load."""
    return "wrk" if shutil.which("wrk") else "our own client, for want of wrk"


def post(url: str, body: bytes, seconds: float) -> Load:
    """Post one body over `CONNECTIONS` connections, each waiting for its answer, for some seconds.

    Raises:
        RuntimeError: Anything but 200 was answered.
    """
    if shutil.which("wrk"):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            # A string of JSON is one of Lua's, as long as it is ASCII.
            script.write(_SCRIPT % json.dumps(body.decode("ascii")))
            script.flush()
            whole = max(1, round(seconds))
            command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{whole}s", "-s", script.name, url]
            told = _last_line(command, b"")
    else:
        client = Path(__file__).with_name("load_client.py")
        told = _last_line([sys.executable, str(client), url, str(CONNECTIONS), str(seconds)], body)
    if told["failed"]:
        raise RuntimeError(f"{url}: {told['failed']:.0f} of {told['requests']:.0f} requests failed")
    return Load(told["requests"], told["requests"] / told["seconds"], told["p50"], told["p99"])


def _last_line(command: list[str], stdin: bytes) -> dict[str, float]:
    # What goes wrong in there is said on standard error, which is this process's.
    output = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout
    told: dict[str, float] = json.loads(output.decode().strip().splitlines()[-1])
    return told
