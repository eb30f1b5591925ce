"""The documentation page in a real browser, where there is one."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.adapters.inbound.browser import BROWSER, OPTIONS, needs_a_browser
from tests.adapters.inbound.http.service import Service, running
from tests.api_keys import an_entry
from vehicle_anomaly.adapters.inbound.http.openapi import OPERATIONS


def _requests(net_log: Path) -> list[tuple[str, str]]:
    """Read who asked for which address."""
    log = json.loads(net_log.read_text())
    started = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    told: list[dict[str, Any]] = [each.get("params", {}) for each in log["events"] if each["type"] == started]
    return [(params["initiator"], params["url"]) for params in told if "url" in params]


def _shown(address: str, profile: Path, *options: str) -> str:
    own = ("--virtual-time-budget=10000", "--dump-dom", f"--user-data-dir={profile}", *options, address)
    return subprocess.run(
        [BROWSER, *OPTIONS, *own], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=120
    ).stdout.decode()


@needs_a_browser
def test_the_operations_are_shown_and_nobody_else_is_asked(service: Service, tmp_path: Path) -> None:
    net_log = tmp_path / "net.json"
    shown = _shown(f"{service.url}/schema", tmp_path / "profile", f"--log-net-log={net_log}")
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


@needs_a_browser
def test_with_the_key_as_password_the_page_is_shown_and_can_use_keys(tmp_path: Path) -> None:
    entries = json.dumps([an_entry("reader", "key-reader", "models:read")])
    with running(tmp_path / "store", api_keys=entries) as service:
        page = service.url.replace("http://", "http://anybody:key-reader@") + "/schema"
        shown = _shown(page, tmp_path / "with")
        without = _shown(f"{service.url}/schema", tmp_path / "without")
    assert 'class="btn authorize' in shown
    assert 'id="operations-models-listModels"' in shown
    assert "listModels" not in without
