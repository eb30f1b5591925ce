"""The documentation page in a real browser, where there is one."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.adapters.inbound.browser import BROWSER, OPTIONS, needs_a_browser
from tests.adapters.inbound.http.service import Service
from vehicle_anomaly.adapters.inbound.http.openapi import OPERATIONS


def _requests(net_log: Path) -> list[tuple[str, str]]:
    """Read who asked for which address."""
    log = json.loads(net_log.read_text())
    started = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    told: list[dict[str, Any]] = [each.get("params", {}) for each in log["events"] if each["type"] == started]
    return [(params["initiator"], params["url"]) for params in told if "url" in params]


@needs_a_browser
def test_the_operations_are_shown_and_nobody_else_is_asked(service: Service, tmp_path: Path) -> None:
    net_log = tmp_path / "net.json"
    own = (
        "--virtual-time-budget=10000",
        "--dump-dom",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--log-net-log={net_log}",
        f"{service.url}/schema",
    )
    shown = subprocess.run(
        [BROWSER, *OPTIONS, *own], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=120
    ).stdout.decode()
    for each in OPERATIONS:
        assert f'id="operations-{each.tag}-{each.identity}"' in shown
        assert each.summary in shown
    by_the_page = {url for initiator, url in _requests(net_log) if initiator == service.url}
    assert by_the_page == {
        f"{service.url}/schema/{name}"
        for name in (
            "openapi.json",
            "assets/start.js",
            "assets/swagger-ui-bundle.js",
            "assets/swagger-ui.css",
        )
    }
