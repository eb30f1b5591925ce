"""What is compiled is compiled before any test measures time."""

import pytest

from vehicle_anomaly.adapters.inbound.wire import compiled_wire


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    compiled_wire.warm_up()
