"""Who works on what next."""

from collections import deque

from tests.adapters.inbound.sqs.deliveries import a_delivery
from vehicle_anomaly.adapters.inbound.sqs.board import Board, Finished, Lane
from vehicle_anomaly.adapters.inbound.sqs.queues import OutgoingResult


def _lane(*request_ids: str) -> Lane:
    return Lane(deque(a_delivery(request_id) for request_id in request_ids))


def _finish(board: Board, lane: Lane) -> None:
    board.finish(lane, (OutgoingResult(lane.first.request_id, "{}", {}, None),))


def test_there_is_room_for_as_many_as_have_places() -> None:
    board = Board(quick_places=5, long_places=3)
    assert board.wait_for_places() == 3, "all of them may be long"

    lanes = [_lane("a", "b"), _lane("c")]
    board.add(lanes)
    assert board.wait_for_places() == 2
    assert board.next_quick() is lanes[0]
    assert board.turn_long(lanes[0])
    assert board.wait_for_places() == 2, "a long one has left its place, and taken another"

    board.drop(lanes[0])
    board.drop(lanes[1])
    assert board.wait_for_places() == 3


def test_results_are_sent_together_when_nothing_else_is_to_do() -> None:
    board = Board(20, 20)
    lanes = [_lane(str(number)) for number in range(12)]
    board.add(lanes)

    batches: list[list[Finished]] = []
    while sum(map(len, batches)) < len(lanes):
        job = board.next_quick()
        if isinstance(job, Lane):
            _finish(board, job)
        else:
            assert job is not None
            batches.append(job)

    assert max(map(len, batches)) == 10
    assert [one.lane for batch in batches for one in batch] == lanes


def test_the_next_of_a_lane_begins_when_the_one_before_it_is_done() -> None:
    board = Board(20, 20)
    lane = _lane("first", "second")
    board.add([lane])
    taken = board.next_quick()
    assert taken is lane
    _finish(board, lane)
    assert isinstance(board.next_quick(), list)
    board.done(lane)

    assert board.next_quick() is lane
    assert lane.first.request_id == "second"


def test_a_board_that_stops_begins_nothing_long_and_makes_no_room() -> None:
    board = Board(20, 20)
    waiting, later = _lane("waiting"), _lane("later")
    board.add([waiting, later])
    board.next_quick()
    board.turn_long(waiting)

    assert board.stop() == [waiting]

    assert board.wait_for_places() == 0
    assert board.next_quick() is later
    assert not board.turn_long(later)
    board.drop(waiting)
    board.drop(later)
    board.wait_until_empty()


def test_threads_of_a_closed_board_go_home() -> None:
    board = Board(20, 20)
    board.add([_lane("a")])
    board.close()

    assert board.next_quick() is None
    assert board.next_long() is None
