"""All of the wire that is compiled."""

from vehicle_anomaly.adapters.inbound.wire import nesting, packed_bodies, scanned, verdict_texts


def warm_up() -> None:
    """Compile it, or load what was compiled, so that no request has to wait for it."""
    scanned.warm_up()
    packed_bodies.warm_up()
    nesting.warm_up()
    verdict_texts.warm_up()
