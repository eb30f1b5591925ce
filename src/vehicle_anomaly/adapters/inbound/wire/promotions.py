"""What callers are told of promotions."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from vehicle_anomaly.adapters.inbound.wire.fields import ModelNameText, ModelVersionText
from vehicle_anomaly.core.promote_version import RecordedPromotion
from vehicle_anomaly.core.promotions import Kind


class PromotionItem(msgspec.Struct, frozen=True):
    """A change of the latest version."""

    number: Annotated[
        int, Meta(ge=1, description="Larger with each change: the order, whatever the clocks said.")
    ]
    at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    by: Annotated[str, Meta(description="Who decided it.")]
    kind: Annotated[
        Kind,
        Meta(
            description="`publication`: by itself, when the version was published. `promotion`: somebody "
            "decided for a newer version. `rollback`: for an older one."
        ),
    ]
    from_version: Annotated[
        ModelVersionText | None, Meta(description="The latest before; null when there was none.")
    ]
    to_version: ModelVersionText


class PromotionsResponse(msgspec.Struct, frozen=True):
    """Which version answered from when on, and who decided it, newest first; 1,000 at most."""

    model_name: ModelNameText
    promotions: list[PromotionItem]


def promotions_response(model_name: str, recorded: Iterable[RecordedPromotion]) -> PromotionsResponse:
    """Say what is on record."""
    items = [
        PromotionItem(
            number=each.promotion.number,
            at=each.promotion.at.isoformat().replace("+00:00", "Z"),
            by=each.promotion.by,
            kind=each.kind,
            from_version=None if each.promotion.from_version is None else each.promotion.from_version.value,
            to_version=each.promotion.to_version.value,
        )
        for each in recorded
    ]
    return PromotionsResponse(model_name, items)
