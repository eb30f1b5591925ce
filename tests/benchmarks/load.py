"""Load on one URL: by wrk where it is installed, and otherwise by a client of our own."""

import json
import math
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

CONNECTIONS: Final = 8
# Fewer answers are no measurement: a busy machine may still be at the first ones when the time is over.
ENOUGH: Final = 2 * CONNECTIONS
LONGEST_SECONDS: Final = 60.0
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


def post(url: str, body: bytes, seconds: float, longest: float = LONGEST_SECONDS) -> Load:
    """Post one body over `CONNECTIONS` connections, each waiting for its answer, for some seconds.

    Args:
        url: Where to.
        body: ASCII.
        seconds: How long; longer, where fewer than `ENOUGH` were answered by then, until they are.
        longest: How many seconds at most.

    Raises:
        RuntimeError: Anything but 200 was answered, or too little.
    """
    told = (_by_wrk if shutil.which("wrk") else _by_own_client)(url, body, seconds, longest)
    if told["failed"]:
        raise RuntimeError(f"{url}: {told['failed']:.0f} of {told['requests']:.0f} requests failed")
    if told["requests"] < ENOUGH:
        answered = f"only {told['requests']:.0f} requests were" if told["requests"] else "nothing was"
        raise RuntimeError(
            f"{url}: {answered} answered in {told['seconds']:.3g} s over {CONNECTIONS} connections"
        )
    return Load(told["requests"], told["requests"] / told["seconds"], told["p50"], told["p99"])


def post_once(url: str, body: bytes, longest: float = LONGEST_SECONDS) -> None:
    """Post one body and wait for its answer: what a route does once, it does here.

    Raises:
        OSError: It was refused, or not answered in time.
    """
    urllib.request.urlopen(urllib.request.Request(url, body, HEADERS), timeout=longest).close()


def _by_own_client(url: str, body: bytes, seconds: float, longest: float) -> dict[str, float]:
    client = Path(__file__).with_name("load_client.py")
    numbers = (CONNECTIONS, ENOUGH, seconds, longest)
    return _last_line([sys.executable, str(client), url, *map(str, numbers)], body)


def _by_wrk(url: str, body: bytes, seconds: float, longest: float) -> dict[str, float]:
    """Let wrk run again, twice as long each time, until there are enough answers of all runs together."""
    # Its own 2 s would count an answer that comes late as a failure.
    fixed = ["wrk", "-t1", f"-c{CONNECTIONS}", f"--timeout={math.ceil(longest)}s"]
    told = {"requests": 0.0, "seconds": 0.0, "failed": 0.0}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        # A string of JSON is one of Lua's, as long as it is ASCII.
        script.write(_SCRIPT % json.dumps(body.decode("ascii")))
        script.flush()
        while True:
            whole = max(1, round(min(seconds, longest - told["seconds"])))
            run = _last_line([*fixed, f"-d{whole}s", "-s", script.name, url], b"")
            # What the server did for the runs before counts too, for those who measure the server.
            told = run | {name: told[name] + run[name] for name in told}
            if told["requests"] >= ENOUGH or told["failed"] or told["seconds"] >= longest:
                return told
            seconds *= 2


def _last_line(command: list[str], stdin: bytes) -> dict[str, float]:
    # What goes wrong in there is said on standard error, which is this process's.
    output = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout
    told: dict[str, float] = json.loads(output.decode().strip().splitlines()[-1])
    return told
