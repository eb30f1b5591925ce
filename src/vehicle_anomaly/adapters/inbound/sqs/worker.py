"""The loop: receive, answer, send the result, delete the request, delete its payload. In that order."""

import math
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from time import monotonic
from traceback import format_tb
from typing import Final

import structlog

from vehicle_anomaly.adapters.inbound.sqs.board import Board, Finished, Lane
from vehicle_anomaly.adapters.inbound.sqs.clients import LONGEST_POLL_SECONDS
from vehicle_anomaly.adapters.inbound.sqs.deliveries import CORRELATION_ID, Delivery
from vehicle_anomaly.adapters.inbound.sqs.errors import InfrastructureFault, UndecodableRequest
from vehicle_anomaly.adapters.inbound.sqs.handlers import Handlers, Pace, result_too_large
from vehicle_anomaly.adapters.inbound.sqs.heartbeat import Heartbeat
from vehicle_anomaly.adapters.inbound.sqs.messages import (
    RefusedMessage,
    RequestMessage,
    ResultMessage,
    encode_result,
)
from vehicle_anomaly.adapters.inbound.sqs.metrics import QueueMetrics
from vehicle_anomaly.adapters.inbound.sqs.object_events import ObjectNotification, decode_body
from vehicle_anomaly.adapters.inbound.sqs.payloads import RESERVED_ATTRIBUTE, Payloads, pointer_of
from vehicle_anomaly.adapters.inbound.sqs.queues import (
    BATCH,
    OutgoingResult,
    RequestQueue,
    ResultQueue,
)
from vehicle_anomaly.adapters.inbound.sqs.retry import Strain, delay
from vehicle_anomaly.adapters.inbound.sqs.score_objects import ScoreObjects
from vehicle_anomaly.adapters.inbound.sqs.tracing import QueueTracing, carried_on, sent_in, told_ids
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.core import compiled
from vehicle_anomaly.core.errors import DamagedModel, ModelStoreUnavailable

# What is left of the drain for giving back, once work has had its share.
_GIVING_BACK_SECONDS: Final = 1.0
# Of that, how long a poll is waited for that should be over: it would receive again what is given back.
_LAST_POLL_SECONDS: Final = 0.5
# Ending the process takes some of the drain too.
_LEAVING_SECONDS: Final = 0.4
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
_SWITCH_INTERVAL_SECONDS: Final = 0.0005
_QUICK_THREADS: Final = 4
_TOLD_PLACES: Final = 5

Request = RequestMessage | ObjectNotification

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How much a worker takes on, and how it stops.

    Attributes:
        concurrency: Messages in hand, trainings aside.
        training_slots: Trainings that run at once.
        training_queue: Trainings in hand that may wait for a slot.
        drain_seconds: From the signal to the end of the process, at most; at least 2.
        retry_seconds: After the first failure a message is invisible for so long, then for twice as long.
    """

    concurrency: int
    training_slots: int
    training_queue: int
    drain_seconds: int
    retry_seconds: float

    @property
    def poll_seconds(self) -> int:
        """How long a poll waits: the last one is over a second before anything is given back, if it can be.

        What it brings is never left behind, and it does not receive again what this worker gives back.
        """
        return max(1, min(LONGEST_POLL_SECONDS, self.drain_seconds - int(_GIVING_BACK_SECONDS) - 1))


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What a worker works with."""

    requests: RequestQueue
    results: ResultQueue
    payloads: Payloads
    handlers: Handlers
    objects: ScoreObjects
    tracing: QueueTracing
    metrics: QueueMetrics


class _Order(Enum):
    STOP = "stop"
    ALL_DONE = "all done"


class Worker:
    """Answers the requests of a queue until it is told to stop."""

    def __init__(self, parts: WorkerParts, options: WorkerOptions) -> None:
        """Make a worker; it begins with `run`."""
        self._parts = parts
        self._options = options
        self._requests = parts.requests
        self._board = Board(options.concurrency, options.training_slots + options.training_queue)
        self._heartbeat = Heartbeat(parts.requests)
        self._strain = Strain(_FIRST_PAUSE_SECONDS)
        self._one_at_a_time_until = -math.inf
        self._stopping = threading.Event()
        self._giving_back = threading.Lock()
        self._not_begun: list[Lane] = []
        self._last_poll_is_over = False
        # Unlike an Event, it may be put into by a signal's handler at any moment.
        self._orders: SimpleQueue[_Order] = SimpleQueue()

    def run(self) -> None:
        """Work until SIGTERM, SIGINT or `stop`, then drain; a second signal ends the drain at once.

        Threads may be left: one that trains cannot be stopped, and the process is to end without it.
        """
        # While a thread trains, or imports what it trains with, others wait their turn: also the heartbeat.
        sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)
        compiled.warm_up()
        poller = _thread("poll", self._poll)
        workers = [_thread(f"quick-{number}", self._work_quick) for number in range(self._quick_threads)]
        slots = range(self._options.training_slots)
        workers += [_thread(f"long-{number}", self._work_long) for number in slots]
        heart = _thread("heartbeat", self._heartbeat.run)
        with self._signals():
            for thread in (heart, *workers, poller):
                thread.start()
            _log.info("polling", queue=self._requests.url, results=self._parts.results.url)
            self._orders.get()
            self._drain(poller, [heart, *workers])

    def stop(self) -> None:
        """Tell `run` to drain and return."""
        self._orders.put(_Order.STOP)

    @property
    def _quick_threads(self) -> int:
        return min(_QUICK_THREADS, self._options.concurrency)

    def _poll(self) -> None:
        failures = 0
        while places := self._board.wait_for_places():
            if self._stopping.wait(self._strain.pause()):
                return
            cautious = monotonic() < self._one_at_a_time_until
            began = monotonic()
            deliveries: list[Delivery] = []
            try:
                deliveries = self._requests.receive(
                    1 if cautious else min(BATCH, places), self._options.poll_seconds
                )
                failures = 0
            except InfrastructureFault as fault:
                failures += 1
                self._parts.metrics.poll_failed()
                _log.warning("poll failed", error=str(fault), failures=failures)
            except Exception:  # noqa: BLE001  # without a poller, a worker would live and do nothing
                failures += 1
                self._parts.metrics.poll_failed()
                _log.exception("poll failed", failures=failures)
            if deliveries:
                self._heartbeat.hold(deliveries)
                self._parts.tracing.received(deliveries)
                self._parts.metrics.received(deliveries)
                self._board.add(_lanes(deliveries, keep_order=self._requests.is_fifo))
            pause = delay(failures, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS) if failures else 0.0
            if not deliveries and not failures and monotonic() - began < _FIRST_PAUSE_SECONDS:
                # An endpoint that does not wait must not be asked without end.
                pause = _FIRST_PAUSE_SECONDS
            self._stopping.wait(pause)

    def _work_quick(self) -> None:
        while (job := self._board.next_quick()) is not None:
            if isinstance(job, Lane):
                self._attempt([job], partial(self._begin, job))
            else:
                self._attempt([one.lane for one in job], partial(self._send, job))

    def _work_long(self) -> None:
        while (lane := self._board.next_long()) is not None:
            self._attempt([lane], partial(self._continue, lane))

    def _attempt(self, lanes: Sequence[Lane], work: Callable[[], None]) -> None:
        """Do a piece of work; whatever goes wrong, its messages are left to be delivered again."""
        try:
            work()
        except UndecodableRequest as error:
            self._leave(lanes, "undecodable", str(error))
        except MalformedMessage as error:
            self._leave(lanes, "undecodable", _places(self._parts.handlers.limits.told(error)))
        except (InfrastructureFault, ModelStoreUnavailable) as error:
            self._strain.failed()
            self._leave(lanes, "infrastructure", str(error))
        except DamagedModel as error:
            self._leave(lanes, "damaged model", str(error))
        except Exception as error:  # noqa: BLE001  # a thread that ends would take its messages along
            # Without what the error says: that may repeat a value of the request.
            _log.error(
                "worker failed", error=type(error).__name__, stack="".join(format_tb(error.__traceback__))
            )
            self._leave(lanes, "unexpected", type(error).__name__)

    def _begin(self, lane: Lane) -> None:
        if not self._heartbeat.holds(lane.first):
            self._board.drop(lane)
            return
        request = self._open(lane.first)
        if self._pace(request) is Pace.QUICK:
            self._finish(lane, request)
        elif not self._board.turn_long(lane):
            self._give_back_after_last_poll([lane])

    def _continue(self, lane: Lane) -> None:
        # Opened again: what waits for a slot must not hold more than its message.
        self._finish(lane, self._open(lane.first))

    def _open(self, delivery: Delivery) -> Request:
        return decode_body(self._parts.payloads.body_of(delivery))

    def _pace(self, request: Request) -> Pace:
        return Pace.LONG if isinstance(request, ObjectNotification) else self._parts.handlers.pace(request)

    def _answers(self, request: Request, delivery: Delivery) -> list[ResultMessage]:
        if isinstance(request, ObjectNotification):
            return self._parts.objects(request, delivery)
        return [self._parts.handlers.answer(request, delivery)]

    def _finish(self, lane: Lane, request: Request) -> None:
        delivery = lane.first
        tag = str(request.__struct_config__.tag)
        began = monotonic()
        with self._parts.tracing.processing(delivery, tag) as span:
            answers = self._answers(request, delivery)
            outgoing = tuple(self._outgoing(delivery, answer, part) for part, answer in enumerate(answers))
        seconds = monotonic() - began
        self._parts.metrics.answered(tag, _result_type(answers), seconds)
        _log.info(
            "answered",
            queue=self._requests.name,
            request_id=delivery.request_id,
            request=tag,
            results=[answer.__struct_config__.tag for answer in answers],
            receive_count=delivery.receive_count,
            seconds=round(seconds, 6),
            **_models_of(answers),
            **told_ids(span),
        )
        self._board.finish(lane, outgoing)

    def _outgoing(self, delivery: Delivery, answer: ResultMessage, part: int) -> OutgoingResult:
        attributes = {name: ("String", value) for name, value in carried_on().items()}
        if delivery.correlation_id is not None:
            attributes[CORRELATION_ID] = ("String", delivery.correlation_id)
        result = OutgoingResult(
            delivery.request_id, encode_result(answer), attributes, delivery.group_id, part
        )
        size, limit = result.size(), self._parts.results.max_message_bytes
        if size <= limit:
            return result
        if self._parts.payloads.result_bucket is None:
            told = encode_result(result_too_large(delivery, size, limit))
            return OutgoingResult(delivery.request_id, told, attributes, delivery.group_id, part)
        pointer = self._parts.payloads.put_result(delivery.request_id, result.body)
        attributes[RESERVED_ATTRIBUTE] = ("Number", str(len(result.body.encode())))
        return OutgoingResult(delivery.request_id, pointer, attributes, delivery.group_id, part)

    def _send(self, finished: Sequence[Finished]) -> None:
        each = iter(self._parts.results.send([result for one in finished for result in one.results]))
        faults = [_first_fault(islice(each, len(one.results))) for one in finished]
        sent = [one.lane for one, fault in zip(finished, faults, strict=True) if fault is None]
        answered = [lane.first for lane in sent]
        if sent:
            self._strain.succeeded()
            self._parts.metrics.sent(
                sum(len(one.results) for one, fault in zip(finished, faults, strict=True) if fault is None)
            )
            self._delete(answered)
            self._heartbeat.let_go(answered)
            for lane in sent:
                self._board.done(lane)
        for one, fault in zip(finished, faults, strict=True):
            if fault is not None:
                self._strain.failed()
                self._leave([one.lane], "infrastructure", f"result queue: {fault}")

    def _delete(self, answered: Sequence[Delivery]) -> None:
        # A payload goes last: a request that is delivered again must find it.
        for delivery in self._requests.delete(answered):
            pointer = pointer_of(delivery)
            if pointer is not None:
                try:
                    self._parts.payloads.delete(pointer)
                except InfrastructureFault as fault:
                    _log.warning("payload not deleted", request_id=delivery.request_id, error=str(fault))

    def _leave(self, lanes: Sequence[Lane], why: str, reason: str) -> None:
        """Leave the first message of each lane to the redrive policy, and give back those behind it."""
        for lane in lanes:
            if not lane.deliveries:
                continue
            first, *behind = lane.deliveries
            self._parts.metrics.left(first, why)
            seconds = math.ceil(delay(first.receive_count, self._options.retry_seconds))
            _log.warning(
                "left in the queue",
                queue=self._requests.name,
                request_id=first.request_id,
                why=why,
                reason=reason,
                receive_count=first.receive_count,
                visible_in_seconds=seconds,
                **told_ids(sent_in(first)),
            )
            if self._requests.is_fifo:
                # Each time a failing message brings those behind it along, they come nearer to the
                # dead-letter queue themselves. Alone, it does not.
                until = monotonic() + 2 * seconds + self._requests.visibility_seconds
                self._one_at_a_time_until = max(self._one_at_a_time_until, until)
            self._heartbeat.give_back(behind)
            self._heartbeat.give_back([first], seconds)
            self._board.drop(lane)

    def _give_back_after_last_poll(self, lanes: Sequence[Lane]) -> None:
        """Give lanes back once nothing is received any more: this worker would receive them again."""
        with self._giving_back:
            self._not_begun += lanes
            if not self._last_poll_is_over:
                return
            given_back = [*self._not_begun]
            self._not_begun.clear()
        self._heartbeat.give_back([delivery for lane in given_back for delivery in lane.deliveries])
        for lane in given_back:
            self._board.drop(lane)

    def _after_last_poll(self) -> None:
        with self._giving_back:
            self._last_poll_is_over = True
        self._give_back_after_last_poll([])

    def _drain(self, poller: threading.Thread, others: Sequence[threading.Thread]) -> None:
        end = monotonic() + self._options.drain_seconds - _LEAVING_SECONDS
        _log.info("stopping", drain_seconds=self._options.drain_seconds)
        self._give_back_after_last_poll(self._board.stop())
        self._stopping.set()

        def tell_when_empty() -> None:
            poller.join()
            self._after_last_poll()
            self._board.wait_until_empty()
            self._orders.put(_Order.ALL_DONE)

        def give_back_rest() -> None:
            poller.join(_LAST_POLL_SECONDS)
            given_back = self._heartbeat.give_back_all()
            poller.join()
            given_back += self._heartbeat.give_back_all()
            _log.info("gave back what was not finished", count=given_back)

        _thread("empty", tell_when_empty).start()
        try:
            order = self._orders.get(timeout=self._options.drain_seconds - _GIVING_BACK_SECONDS)
        except Empty:
            order = None
        drained = order is _Order.ALL_DONE
        self._board.close()
        self._heartbeat.stop()
        if not drained:
            # In a thread: SQS may not answer, and the process is to end all the same.
            giving_back = _thread("give-back", give_back_rest)
            giving_back.start()
            giving_back.join(_GIVING_BACK_SECONDS if order is _Order.STOP else max(0.0, end - monotonic()))
        for thread in others:
            thread.join(max(0.0, end - monotonic()) if drained else 0.0)
        _log.info("stopped", drained=drained)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {
            number: signal.signal(number, lambda *_: self.stop())
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _first_fault(faults: Iterable[str | None]) -> str | None:
    # The whole of it is looked at, which takes it out of what it is a slice of.
    return next(iter([fault for fault in faults if fault is not None]), None)


def _result_type(answers: Sequence[ResultMessage]) -> str:
    if not answers:
        return "none"
    told = next((answer for answer in answers if isinstance(answer, RefusedMessage)), answers[0])
    return str(told.__struct_config__.tag)


def _models_of(answers: Sequence[ResultMessage]) -> dict[str, str]:
    for answer in answers:
        name, version = getattr(answer, "model_name", None), getattr(answer, "model_version", None)
        if name is not None and version is not None:
            return {"model_name": name, "model_version": version}
    return {}


def _thread(name: str, work: Callable[[], None]) -> threading.Thread:
    # Daemons: what has not come home when the drain ends must not keep the process.
    return threading.Thread(target=work, name=name, daemon=True)


def _lanes(deliveries: Sequence[Delivery], *, keep_order: bool) -> list[Lane]:
    if not keep_order:
        return [Lane(deque([delivery])) for delivery in deliveries]
    groups: dict[str | None, Lane] = {}
    for delivery in deliveries:
        groups.setdefault(delivery.group_id, Lane(deque())).deliveries.append(delivery)
    return [*groups.values()]


def _places(malformed: MalformedMessage) -> str:
    """Say what is malformed without the values that stand there."""
    return "; ".join(
        f"{wrong.place}: {wrong.reason.partition(', got ')[0]}" for wrong in malformed.wrong[:_TOLD_PLACES]
    )
