"""The machine's clock."""

from datetime import UTC, datetime

from vehicle_anomaly.adapters.outbound.system_clock import SystemClock


def test_it_tells_the_time_in_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()

    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
