"""What is sent in one call, and what is made of what fails."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from vehicle_anomaly.adapters.inbound.sqs.queues import MAX_MESSAGE_BYTES, OutgoingResult, ResultQueue
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
            "Failed": [
                {"Id": one["Id"], "Code": "Refused", "Message": "no"}
                for one in request["Entries"]
                if one["MessageBody"] == self.refuses
            ]
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

    assert faults == [None, "Refused: no", None]


def test_a_queue_out_of_reach_fails_every_result() -> None:
    sqs: Any = Sqs(away=True)

    faults = ResultQueue("http://q/results", sqs).send(_results("a", "b"))

    assert all("Could not connect" in (fault or "") for fault in faults)


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


def test_strain_asks_for_a_pause_until_something_succeeds() -> None:
    strain = Strain(1.0)
    assert strain.pause() == 0

    for _ in range(20):
        strain.failed()
    assert 15 <= strain.pause() <= 30

    strain.succeeded()
    assert strain.pause() == 0
