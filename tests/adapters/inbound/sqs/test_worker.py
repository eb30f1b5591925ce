"""What goes in and what comes out, with a worker in this process and its queues over the wire."""

import json
import re
import threading
from dataclasses import replace
from typing import Any

import pytest
from dependency_injector import providers

from tests.adapters.inbound.sqs.conftest import INGEST, RECORDS, SCORE, SCORE_BATCH, Assemble
from tests.fakes import NOON
from tests.queues import Queues, make_queues, wait_until, working
from vehicle_anomaly.adapters.inbound.sqs.deliveries import Delivery
from vehicle_anomaly.adapters.inbound.sqs.handlers import Handlers
from vehicle_anomaly.adapters.inbound.sqs.messages import IngestedMessage, RefusedMessage, decode_request
from vehicle_anomaly.adapters.inbound.wire.limits import MessageLimits
from vehicle_anomaly.core.errors import ModelStoreUnavailable
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelVersion
from vehicle_anomaly.core.promotions import Promoter
from vehicle_anomaly.core.score_telemetry import ScoreTelemetryCommand, Verdicts
from vehicle_anomaly.core.train_model import Published, TrainModel, TrainModelCommand


class GatedTraining:
    """Trains once it is let to."""

    def __init__(self, train: TrainModel) -> None:
        self._train = train
        self.auto_promote = train.auto_promote
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()

    def published(self, command: TrainModelCommand) -> Published:
        """Say that it has begun, wait, train."""
        self.begun.release()
        assert self.gate.wait(60)
        return self._train.published(command)


def test_every_type_of_request_is_answered_with_the_fields_of_the_http_answer(
    queues: Queues, assemble: Assemble
) -> None:
    with working(assemble(queues).worker()):
        trained = queues.send(INGEST)
        [ingested] = [one.told for one in queues.take_results(1)]
        scored_one, scored_some = queues.send(SCORE), queues.send(SCORE_BATCH)
        answers = {one.told["type"]: one.told for one in queues.take_results(2)}

    assert ingested["type"] == "ingested"
    assert (ingested["request_id"], ingested["correlation_id"]) == (trained, None)
    assert (ingested["model_name"], ingested["model_version"], ingested["record_count"]) == (
        "default",
        "v1",
        40,
    )
    assert ingested["metadata"]["n_features"] == 3
    assert answers["scored"]["request_id"] == scored_one
    assert answers["scored"]["vehicle_id"] == SCORE["vehicle_id"]
    assert answers["scored"]["timestamp"] == SCORE["timestamp"]
    assert answers["scored"]["model_version"] == "v1"
    assert isinstance(answers["scored"]["anomaly_score"], float)
    assert answers["scored_batch"]["request_id"] == scored_some
    assert len(answers["scored_batch"]["results"]) == 5
    assert queues.count(queues.requests) == 0


def test_the_correlation_id_comes_back_in_attribute_and_body(queues: Queues, assemble: Assemble) -> None:
    with working(assemble(queues).worker()):
        queues.send(SCORE, {"correlation_id": "trip-17", "other": "x"})
        [answer] = queues.take_results(1)

    assert answer.told["correlation_id"] == "trip-17"
    assert answer.attributes == {"correlation_id": "trip-17"}


def test_a_refusal_is_answered_with_the_problem_of_the_http_api_and_deleted(
    queues: Queues, assemble: Assemble
) -> None:
    with working(assemble(queues).worker()):
        queues.send(INGEST)
        queues.take_results(1)
        queues.send({**SCORE, "feature_vector": [1.0]})
        [answer] = queues.take_results(1)
        queues.wait_until_all_deleted()

    assert answer.told["type"] == "refused"
    assert answer.told["problem"] == {
        "type": "urn:vehicle-anomaly:problem:wrong-feature-count",
        "title": "Wrong number of features",
        "status": 400,
        "detail": "feature_vector: expected 3 numbers, got 1",
        "errors": [{"pointer": "/feature_vector", "detail": "expected 3 numbers, got 1"}],
    }


def test_a_training_without_a_version_gets_one_from_when_it_was_sent(
    queues: Queues, assemble: Assemble
) -> None:
    with working(assemble(queues).worker()):
        for _ in range(2):
            queues.send({"type": "ingest", "records": RECORDS})
            queues.take_results(1)
        container_version = queues.send({"type": "ingest", "records": RECORDS})
        [answer] = queues.take_results(1)

    assert answer.told["request_id"] == container_version
    assert re.fullmatch(r"20\d{18}-[0-9a-f]{12}", answer.told["model_version"])


UNDECODABLE = [
    "not JSON",
    "[]",
    "{}",
    json.dumps({**SCORE, "type": "forecast"}),
    json.dumps({**SCORE, "colour": "red"}),
    json.dumps({**SCORE, "feature_vector": [1.0, "2", 3.0]}),
    json.dumps({**SCORE, "feature_vector": [1.0, float("nan"), 3.0]}),
    json.dumps({**INGEST, "records": [*RECORDS, {"vehicle_id": "x"}]}),
    json.dumps(SCORE)[:-1],
    "[" * 100_000,
    '["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"k"}]',
]


def test_an_undecodable_body_becomes_a_dead_letter_untouched(queues: Queues, assemble: Assemble) -> None:
    with working(assemble(queues).worker()):
        sent = {queues.send(body, {"correlation_id": "c"}): body for body in UNDECODABLE}
        dead = queues.take_dead_letters(len(UNDECODABLE))

    assert {one.message_id: one.body for one in dead} == sent
    assert all(one.attributes == {"correlation_id": "c"} for one in dead)
    assert queues.count(queues.results) == 0


def test_what_is_nested_too_deep_is_told_so(
    queues: Queues, assemble: Assemble, capfd: pytest.CaptureFixture[str]
) -> None:
    limited = {"max_nesting": 6}
    with working(assemble(queues, **limited).worker()):
        queues.send({**SCORE, "feature_vector": [[[[[[1.0]]]]]]})
        queues.send({**INGEST, "records": [*RECORDS, {"vehicle_id": [[[[1]]]]}]})
        queues.take_dead_letters(2)

    out, err = capfd.readouterr()
    assert f"{out}{err}".count("nested too deep: expected at most 6 levels (MAX_NESTING)") >= 2


def test_nothing_of_the_telemetry_is_logged(
    queues: Queues, assemble: Assemble, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with working(assemble(queues).worker()):
        queues.send(INGEST)
        queues.take_results(1)
        queues.send({**SCORE, "feature_vector": [123456.75, 1.0]})
        queues.take_results(1)
        queues.send({**SCORE, "timestamp": "123456.75"})
        queues.send({**SCORE, "type": "123456.75"})
        queues.take_dead_letters(2)

    out, err = capfd.readouterr()
    logged = f"{out}{err}{caplog.text}"
    assert "timestamp" in logged
    assert "type: expected ingest" in logged
    assert "123456.75" not in logged


def test_while_the_model_store_is_away_a_request_waits_for_it(queues: Queues, assemble: Assemble) -> None:
    container = assemble(queues)
    score = container.score_telemetry()
    attempts = []

    def away_at_first(command: ScoreTelemetryCommand) -> Verdicts:
        attempts.append(command)
        if len(attempts) == 1:
            raise ModelStoreUnavailable("nobody there")
        return score(command)

    container.score_telemetry.override(providers.Object(away_at_first))
    with working(container.worker()):
        queues.send(INGEST)
        queues.take_results(1)
        queues.send(SCORE)
        [answer] = queues.take_results(1)

    assert answer.told["type"] == "scored"
    assert len(attempts) == 2


def test_what_always_fails_becomes_a_dead_letter(queues: Queues, assemble: Assemble) -> None:
    def broken(_: object) -> Any:
        raise RuntimeError("a fault of this program")

    container = assemble(queues)
    container.score_telemetry.override(providers.Object(broken))
    with working(container.worker()):
        queues.send(SCORE)
        [dead] = queues.take_dead_letters(1)

    assert json.loads(dead.body) == SCORE


def test_trainings_do_not_hold_up_scores(queues: Queues, assemble: Assemble) -> None:
    container = assemble(queues, worker_concurrency=2)
    gated = GatedTraining(container.train_model())
    container.train_model.override(providers.Object(gated))
    with working(container.worker()):
        try:
            ids = [queues.send({**INGEST, "model_version": f"t{number}"}) for number in range(5)]
            assert gated.begun.acquire(timeout=30)
            scores = queues.send_all([SCORE] * 30)
            answers = queues.take_results_of(scores)
        finally:
            gated.gate.set()
        queues.take_results_of(ids)

    # Nothing has been trained yet.
    assert {one.told["type"] for one in answers} == {"refused"}


def test_work_longer_than_the_visibility_timeout_stays_invisible_to_others(
    queues: Queues, assemble: Assemble
) -> None:
    container = assemble(queues, worker_visibility_seconds=2)
    gated = GatedTraining(container.train_model())
    container.train_model.override(providers.Object(gated))
    with working(container.worker()):
        try:
            queues.send(INGEST)
            assert gated.begun.acquire(timeout=30)
            assert queues.take(queues.requests, wait_seconds=5) == []
        finally:
            gated.gate.set()
        [answer] = queues.take_results(1)

    assert answer.told["type"] == "ingested"
    assert not gated.begun.acquire(blocking=False), "it was trained twice"


def test_a_request_delivered_twice_has_the_same_result_twice_and_makes_one_version(
    aws_environment: dict[str, str], assemble: Assemble
) -> None:
    queues = make_queues(twice=True)
    container = assemble(queues)
    request = {"type": "ingest", "records": RECORDS}
    with working(container.worker()):
        ids = queues.send_all([request] * 5)
        answers = queues.take_results(6)
        queues.wait_until_all_deleted()

    told = {one.told["request_id"]: one.body for one in answers}
    assert set(told) == set(ids)
    assert all(one.body == told[one.told["request_id"]] for one in answers)
    assert len(container.models().versions(DEFAULT_MODEL_NAME).versions) == 5
    assert queues.count(queues.dead_letters) == 0


def test_a_training_delivered_again_is_answered_although_the_forest_would_now_be_another(
    queues: Queues, assemble: Assemble
) -> None:
    delivery = Delivery(
        "id-1", "handle", json.dumps({"type": "ingest", "records": RECORDS}), {}, None, NOON, 1
    )
    request = decode_request(delivery.body.encode())
    container = assemble(queues)
    first = Handlers(container.train_model(), container.score_telemetry())
    other_forests = TrainModel(container.models(), container.clock(), ForestParameters(n_estimators=11))
    second = Handlers(other_forests, container.score_telemetry())

    answer = first.answer(request, delivery)

    assert answer.__struct_config__.tag == "ingested"
    assert second.answer(request, delivery) == answer


def test_a_training_delivered_again_after_its_promotion_has_the_same_answer(
    queues: Queues, assemble: Assemble
) -> None:
    """Whether it waits is told as it was when it was published."""
    delivery = Delivery("id-1", "handle", json.dumps(INGEST), {}, None, NOON, 1)
    request = decode_request(delivery.body.encode())
    container = assemble(queues)
    candidates = replace(container.train_model(), auto_promote=False)
    handlers = Handlers(candidates, container.score_telemetry())

    answer = handlers.answer(request, delivery)
    assert isinstance(answer, IngestedMessage)
    assert answer.waits
    version = ModelVersion(answer.model_version)
    container.models().promote(DEFAULT_MODEL_NAME, version, Promoter("ada", container.clock().now()))

    assert handlers.answer(request, delivery) == answer


def test_a_batch_of_more_than_there_may_be_is_refused(queues: Queues, assemble: Assemble) -> None:
    container = assemble(queues)
    handlers = Handlers(container.train_model(), container.score_telemetry(), MessageLimits(3, 2))
    for kind, n_records, expected in (
        ("ingest", 4, ("too-many-records", 413)),
        ("score_batch", 4, ("too-many-records", 413)),
        ("ingest", 3, ("wrong-feature-count", 400)),
    ):
        body = json.dumps({"type": kind, "records": RECORDS[:n_records]})
        delivery = Delivery("id-1", "handle", body, {}, None, NOON, 1)
        answer = handlers.answer(decode_request(body.encode()), delivery)
        assert isinstance(answer, RefusedMessage)
        assert (answer.problem.type.rpartition(":")[2], answer.problem.status) == expected


def test_while_results_cannot_be_sent_no_request_is_deleted(queues: Queues, assemble: Assemble) -> None:
    name = queues.results.rpartition("/")[2]
    with working(assemble(queues).worker()):
        queues.sqs.delete_queue(QueueUrl=queues.results)
        queues.send(SCORE)
        wait_until(lambda: queues.count(queues.dead_letters) + queues.count(queues.requests) == 1)
        queues.sqs.create_queue(QueueName=name)

    assert (
        queues.count(queues.results) + queues.count(queues.requests) + queues.count(queues.dead_letters) == 1
    )
