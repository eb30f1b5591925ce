"""Deliveries that no queue has made."""

from collections.abc import Mapping
from datetime import datetime

from tests.fakes import NOON
from vehicle_anomaly.adapters.inbound.sqs.deliveries import Delivery


def a_delivery(
    request_id: str = "id-1",
    body: str = "{}",
    attributes: Mapping[str, str] | None = None,
    *,
    sent_at: datetime = NOON,
    receive_count: int = 1,
) -> Delivery:
    """Make a delivery."""
    return Delivery(request_id, f"handle-{request_id}", body, attributes or {}, None, sent_at, receive_count)
