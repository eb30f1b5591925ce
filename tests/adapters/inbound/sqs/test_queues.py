"""What is sent in one call, and what is made of what fails."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.adapters.inbound.sqs.deliveries import a_delivery
from vehicle_anomaly.adapters.inbound.sqs.queues import (
    MAX_MESSAGE_BYTES,
    OutgoingResult,
    RequestQueue,
    ResultQueue,
)
from vehicle_anomaly.adapters.inbound.sqs.retry import Strain, delay


@dataclass
class Sqs:
    """Takes what is sent, but for the bodies it is told to refuse."""

    refuses: str = "nothing"
    away: bool = False
    batches: list[list[dict[str, Any]]] = field(default_factory=list)

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Record."""
        if self.away:
            raise EndpointConnectionError(endpoint_url=request["QueueUrl"])
        self.batches.append(request["Entries"])
        return {
            "Successful": [
                {"Id": one["Id"]} for one in request["Entries"] if one["MessageBody"] != self.refuses
            ],
            "Failed": [
                {"Id": one["Id"], "Code": "Refused", "Message": "no"}
                for one in request["Entries"]
                if one["MessageBody"] == self.refuses
            ],
        }


def _results(*bodies: str) -> list[OutgoingResult]:
    return [OutgoingResult(f"id-{position}", body, {}, None) for position, body in enumerate(bodies)]


def test_results_are_sent_in_order_ten_a_call() -> None:
    sqs: Any = Sqs()
    bodies = [f"body {number}" for number in range(23)]

    assert ResultQueue("http://q/results", sqs).send(_results(*bodies)) == [None] * 23

    assert [len(batch) for batch in sqs.batches] == [10, 10, 3]
    assert [one["MessageBody"] for batch in sqs.batches for one in batch] == bodies


def test_a_call_is_never_larger_than_sqs_takes() -> None:
    sqs: Any = Sqs()
    half = "x" * (MAX_MESSAGE_BYTES // 2)

    ResultQueue("http://q/results", sqs).send(_results(half, half, half + "x", "x", half))

    assert [len(batch) for batch in sqs.batches] == [2, 2, 1]


def test_what_fails_alone_is_told_alone() -> None:
    sqs: Any = Sqs(refuses="bad")

    faults = ResultQueue("http://q/results", sqs).send(_results("good", "bad", "good"))

    assert faults == [None, "Refused", None]


def test_a_queue_out_of_reach_fails_every_result() -> None:
    sqs: Any = Sqs(away=True)

    faults = ResultQueue("http://q/results", sqs).send(_results("a", "b"))

    assert faults == ["EndpointConnectionError"] * 2


def test_a_fifo_queue_gets_a_group_and_one_result_a_request() -> None:
    sqs: Any = Sqs()
    results = [OutgoingResult("id-1", "{}", {}, "fleet"), OutgoingResult("id-2", "{}", {}, None)]

    ResultQueue("http://q/results.fifo", sqs).send(results)

    [entries] = sqs.batches
    assert [one["MessageGroupId"] for one in entries] == ["fleet", "id-2"]
    assert len({one["MessageDeduplicationId"] for one in entries}) == 2


@pytest.mark.parametrize(("attempt", "longest"), [(1, 2), (2, 4), (5, 32), (10, 900), (10_000, 900)])
def test_a_delay_doubles_up_to_a_quarter_of_an_hour_less_up_to_half_by_chance(
    attempt: int, longest: float
) -> None:
    delays = [delay(attempt, 2.0) for _ in range(200)]

    assert max(delays) <= longest
    assert min(delays) >= longest / 2
    assert len(set(delays)) > 100


def test_strain_asks_for_a_pause_until_it_is_over_or_something_succeeds() -> None:
    now = [0.0]
    strain = Strain(1.0, lambda: now[0])
    assert strain.pause() == 0

    strain.failed()
    assert 0.5 <= strain.pause() <= 1
    now[0] += 1
    assert strain.pause() == 0

    strain.failed()
    assert 1 <= strain.pause() <= 2
    strain.succeeded()
    assert strain.pause() == 0


def test_messages_that_fail_together_are_one_failure() -> None:
    strain = Strain(1.0, lambda: 0.0)
    for _ in range(20):
        strain.failed()
    assert strain.pause() <= 1


def test_a_failure_of_long_ago_makes_no_pause_longer() -> None:
    now = [0.0]
    strain = Strain(1.0, lambda: now[0])
    for _ in range(6):
        strain.failed()
        now[0] += 32
    now[0] += 1000
    strain.failed()
    assert strain.pause() <= 1


class OddSqs:
    """Answers what SQS would not, as a proxy between may."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer

    def send_message_batch(self, **_: Any) -> dict[str, Any]:
        """Answer oddly."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    change_message_visibility_batch = delete_message_batch = send_message_batch


@pytest.mark.parametrize("answer", [{}, {"Successful": []}, AttributeError("get"), ValueError("not UTF-8")])
def test_what_sqs_does_not_say_it_took_is_not_sent(answer: dict[str, Any] | Exception) -> None:
    odd: Any = OddSqs(answer)
    results = ResultQueue("http://queue/results", odd)
    faults = results.send([OutgoingResult("one", "{}", {}, None, 0)])
    assert faults != [None]

    requests = RequestQueue("http://queue/requests", odd, odd, 30)
    assert requests.delete([a_delivery()]) == []
    requests.set_visibility([(a_delivery(), 0)])
