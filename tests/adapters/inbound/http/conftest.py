"""Services to call."""

from collections.abc import Iterator

import pytest

from tests.adapters.inbound.http.service import Service, running


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service that tests share: they change nothing in it."""
    with running(tmp_path_factory.mktemp("store")) as shared:
        yield shared


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service that the tests of one file may change."""
    with running(tmp_path_factory.mktemp("store")) as own:
        yield own
