"""What stands in the queues, and what versions are named by."""

from datetime import timedelta

import msgspec
import pytest

from tests.adapters.inbound.sqs.conftest import INGEST, SCORE, SCORE_BATCH
from tests.adapters.inbound.sqs.deliveries import a_delivery
from tests.fakes import NOON
from vehicle_anomaly.adapters.inbound.sqs.handlers import version_of
from vehicle_anomaly.adapters.inbound.sqs.messages import (
    IngestMessage,
    RefusedMessage,
    ResultMessage,
    ScoreBatchMessage,
    ScoreMessage,
    decode_request,
    encode_result,
)
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.adapters.inbound.wire.problems import Problem


@pytest.mark.parametrize(
    ("body", "kind"), [(INGEST, IngestMessage), (SCORE, ScoreMessage), (SCORE_BATCH, ScoreBatchMessage)]
)
def test_the_tag_tells_what_a_body_is(body: dict[str, object], kind: type) -> None:
    assert type(decode_request(msgspec.json.encode(body))) is kind


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{}", "type"),
        (b'{"type":"scored"}', "type"),
        (b'{"type":1}', "type"),
        (b'{"type":"score_batch"}', "records"),
        (b'{"type":"ingest","records":[],"colour":1}', "colour"),
    ],
)
def test_what_is_no_request_is_malformed_by_its_place(body: bytes, place: str) -> None:
    with pytest.raises(MalformedMessage) as malformed:
        decode_request(body)

    assert str(malformed.value.wrong[0].place) == place


def test_a_type_that_there_is_not_is_told_shortly_with_those_that_there_are() -> None:
    with pytest.raises(MalformedMessage) as malformed:
        decode_request(msgspec.json.encode({"type": "x" * 5000}))

    assert str(malformed.value) == f"type: expected ingest, score or score_batch, got {'x' * 80!r}"


def test_a_result_holds_no_character_that_sqs_refuses() -> None:
    problem = Problem(type="urn:x", title="x", status=400, detail="\x00\x1f\ufffe\uffff\ud7ff\U0001f697")
    result = RefusedMessage(request_id="id", correlation_id=None, problem=problem)

    body = encode_result(result)

    assert not any(ord(one) < 0x20 or one in "\ufffe\uffff" for one in body)
    assert msgspec.json.decode(body, type=ResultMessage) == result


def test_a_version_begins_with_when_its_request_was_sent() -> None:
    version = version_of(a_delivery(sent_at=NOON + timedelta(milliseconds=7)))

    assert version.value.startswith("20260301120000007000-")


def test_every_delivery_of_a_request_makes_the_same_version_and_no_other_request_does() -> None:
    first, again, other = a_delivery("a"), a_delivery("a", receive_count=2), a_delivery("b")

    assert version_of(first) == version_of(again)
    assert version_of(first) != version_of(other)


def test_versions_sort_by_when_their_requests_were_sent() -> None:
    moments = [NOON + timedelta(milliseconds=number * 37) for number in range(50)]
    versions = [version_of(a_delivery(str(moment), sent_at=moment)).value for moment in moments]

    assert versions == sorted(versions)
