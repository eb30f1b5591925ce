"""The page for producers says what is so."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from tests.adapters.inbound.sqs.conftest import INGEST, Assemble
from tests.queues import Queues, working
from vehicle_anomaly.adapters.inbound.sqs.messages import ResultMessage, decode_request

PAGE = (Path(__file__).parents[4] / "docs" / "queue.md").read_text()


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_there_is_an_example_of_every_request_and_result() -> None:
    requests = [json.loads(block)["type"] for block in _blocks("json request")]
    results = [json.loads(block)["type"] for block in _blocks("json result")]

    assert requests == ["ingest", "score", "score_batch"]
    assert results[:4] == ["ingested", "scored", "scored_batch", "refused"]


@pytest.mark.parametrize("block", _blocks("json request"))
def test_an_example_of_a_request_is_one(block: str) -> None:
    decode_request(block.encode())


@pytest.mark.parametrize("block", _blocks("json result"))
def test_an_example_of_a_result_is_one_and_leaves_nothing_out(block: str) -> None:
    result = msgspec.json.decode(block, type=ResultMessage)

    assert json.loads(msgspec.json.encode(result)) == json.loads(block)


def test_the_ten_lines_send_a_request_and_print_its_result(
    queues: Queues, assemble: Assemble, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in queues.environment().items():
        monkeypatch.setenv(name, value)
    [program] = _blocks("python")
    with working(assemble(queues).worker()):
        queues.send(INGEST)
        queues.take_results(1)
        exec(program, {})

    assert "'type': 'scored'" in capsys.readouterr().out
    assert queues.count(queues.results) == 0
