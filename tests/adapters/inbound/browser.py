"""A real browser, where there is one."""

import shutil

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or ""
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The browser's own calls home get nowhere either.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

needs_a_browser = pytest.mark.skipif(not BROWSER, reason="there is no chromium on the PATH")
