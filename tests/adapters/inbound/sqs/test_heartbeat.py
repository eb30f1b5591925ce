"""What is held, for how long."""

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.adapters.inbound.sqs.deliveries import a_delivery
from vehicle_anomaly.adapters.inbound.sqs.heartbeat import Heartbeat
from vehicle_anomaly.adapters.inbound.sqs.queues import RequestQueue


@dataclass
class Sqs:
    """Records the visibility it is asked to set."""

    calls: list[dict[str, int]] = field(default_factory=list)
    called: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        """Record; answer at once what is given back, and what is extended once the gate is open."""
        self.called.set()
        assert request["Entries"][0]["VisibilityTimeout"] == 0 or self.gate.wait(30)
        self.calls.append({one["ReceiptHandle"]: one["VisibilityTimeout"] for one in request["Entries"]})
        return {}


def _heartbeat(*, open_gate: bool = True) -> tuple[Heartbeat, Sqs]:
    sqs: Any = Sqs()
    if open_gate:
        sqs.gate.set()
    return Heartbeat(RequestQueue("http://queue/requests", sqs, sqs, 30)), sqs


def test_a_beat_extends_what_is_held_ten_at_a_time() -> None:
    heartbeat, sqs = _heartbeat()
    held = [a_delivery(str(number)) for number in range(23)]
    heartbeat.hold(held)
    heartbeat.let_go(held[:1])

    heartbeat.beat()

    assert [len(call) for call in sqs.calls] == [10, 10, 2]
    assert {handle: 30 for call in sqs.calls for handle in call} == {
        one.receipt_handle: 30 for one in held[1:]
    }


def test_what_is_given_back_during_a_beat_is_not_extended_again_after_it() -> None:
    heartbeat, sqs = _heartbeat(open_gate=False)
    delivery = a_delivery()
    heartbeat.hold([delivery])
    beat = threading.Thread(target=heartbeat.beat)
    give_back = threading.Thread(target=heartbeat.give_back, args=([delivery],))
    beat.start()
    assert sqs.called.wait(30)
    give_back.start()
    give_back.join(0.2)
    assert give_back.is_alive(), "it did not wait for the beat"
    sqs.gate.set()
    beat.join()
    give_back.join()

    assert sqs.calls == [{delivery.receipt_handle: 30}, {delivery.receipt_handle: 0}]
    heartbeat.beat()
    assert len(sqs.calls) == 2


def test_what_is_done_is_not_given_back() -> None:
    heartbeat, sqs = _heartbeat()
    done, held = a_delivery("done"), a_delivery("held")
    heartbeat.hold([done, held])
    heartbeat.let_go([done])

    assert heartbeat.give_back_all() == 1

    assert sqs.calls == [{held.receipt_handle: 0}]
    assert not heartbeat.holds(held)


def test_a_beat_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    sqs: Any = Sqs()
    heartbeat = Heartbeat(RequestQueue("http://queue/requests", sqs, sqs, 0))
    beats: list[int] = []

    def beat(_: Heartbeat) -> None:
        beats.append(len(beats))
        if len(beats) == 3:
            heartbeat.stop()
        raise AttributeError("an answer that is none")

    monkeypatch.setattr(Heartbeat, "beat", beat)
    heartbeat.run()
    assert beats == [0, 1, 2]
