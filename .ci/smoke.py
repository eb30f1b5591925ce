"""Ask a deployed service whether it lives and scores: `SMOKE_KEY=… python .ci/smoke.py https://api.example.org`.

A fleet that has no model yet, or has promoted none, is answered 404 by `/score`, and a model of other
features refuses the reading by name: that is life too. Any other refusal is not.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

ATTEMPTS = 20
PAUSE_SECONDS = float(os.environ.get("SMOKE_PAUSE_SECONDS", "6"))
PROBLEM = "urn:vehicle-anomaly:problem:"
ALIVE = {
    (404, PROBLEM + "unknown-model"),
    (404, PROBLEM + "no-version-promoted"),
    (400, PROBLEM + "wrong-feature-count"),
}
READING = {"vehicle_id": "smoke-test", "timestamp": "2026-01-01T00:00:00Z", "feature_vector": [0.0]}


def ask(url: str, body: object = None) -> tuple[int, dict[str, object]]:
    """Return status and answer."""
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("SMOKE_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def problem(url: str) -> str | None:
    """Return what is wrong, in one line; None when nothing is."""
    try:
        status, answer = ask(f"{url}/healthz")
        if (status, answer) != (200, {"status": "ok"}):
            return f"/healthz: {status} {answer}"
        status, answer = ask(f"{url}/score", READING)
    except (OSError, ValueError) as error:
        return f"{url}: {error}"
    scored = status == 200 and "anomaly_score" in answer
    return None if scored or (status, answer.get("type")) in ALIVE else f"/score: {status} {answer}"


def main() -> int:
    """Ask until all is well, or too long."""
    url = sys.argv[1].rstrip("/")
    found = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        found = problem(url)
        if found is None:
            print(f"{url} lives and scores")
            return 0
    print(found, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
