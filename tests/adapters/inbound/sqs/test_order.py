"""Queues that keep the order of a group."""

import json

from tests.adapters.inbound.sqs.conftest import INGEST, SCORE, Assemble
from tests.queues import Queues, make_queues, working


def _score(number: int) -> dict[str, object]:
    return {**SCORE, "vehicle_id": f"veh-{number}"}


def test_results_of_a_group_come_in_the_order_of_its_requests(fifo: Queues, assemble: Assemble) -> None:
    with working(assemble(fifo).worker()):
        fifo.send(INGEST, group="training")
        fifo.take_results(1)
        sent = [(group, fifo.send(_score(number), group=group)) for number in range(12) for group in "abc"]
        answers = fifo.take_results(len(sent))

    for name in "abc":
        assert [one.told["request_id"] for one in answers if one.group_id == name] == [
            request_id for group, request_id in sent if group == name
        ]


def test_a_training_and_the_scores_behind_it_keep_their_order(fifo: Queues, assemble: Assemble) -> None:
    sent = []
    for number in range(3):
        sent.append(fifo.send({**INGEST, "model_version": f"v{number}"}, group="fleet"))
        sent.append(fifo.send(_score(number), group="fleet"))
    with working(assemble(fifo).worker()):
        answers = [one.told for one in fifo.take_results(len(sent))]

    assert [one["request_id"] for one in answers] == sent
    assert [one["model_version"] for one in answers] == ["v0", "v0", "v1", "v1", "v2", "v2"]


def test_a_failure_stops_its_group_and_no_other(aws_environment: dict[str, str], assemble: Assemble) -> None:
    queues = make_queues(fifo=True, max_receive_count=3)
    bad = json.dumps({**SCORE, "colour": "red"})
    with working(assemble(queues, worker_retry_seconds=0.2).worker()):
        queues.send(INGEST, group="training")
        queues.take_results(1)
        first = queues.send(_score(0), group="ill")
        poison = queues.send(bad, group="ill")
        behind = [queues.send(_score(number), group="ill") for number in range(1, 4)]
        well = [queues.send(_score(number), group="well") for number in range(4)]
        answers = queues.take_results(len([first, *behind, *well]))
        [dead] = queues.take_dead_letters(1)
        queues.wait_until_all_deleted()

    assert dead.message_id == poison
    order = [one.told["request_id"] for one in answers]
    assert [one for one in order if one in {first, *behind}] == [first, *behind]
    assert set(order[-3:]) == set(behind), "the others did not wait for them"
    assert queues.count(queues.dead_letters) == 0
