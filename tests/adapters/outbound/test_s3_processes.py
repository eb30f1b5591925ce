"""Many processes on one bucket, and processes that are killed."""

import json
import os
import random
import signal
import time
from collections.abc import Callable

import boto3
import pytest

from tests.adapters.outbound.programs import line_of, program
from tests.adapters.outbound.publishers import REFUSED, WON
from tests.fakes import a_trained_model, renamed
from vehicle_anomaly.adapters.outbound.s3_bucket import S3Bucket
from vehicle_anomaly.adapters.outbound.s3_client import s3_client
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.core.model import ModelName, ModelVersion

DEFAULT = ModelName("default")


@pytest.fixture
def bucket(new_bucket: Callable[[], str]) -> str:
    return new_bucket()


def keys(bucket: str, prefix: str = "") -> list[str]:
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [listed["Key"] for page in pages for listed in page.get("Contents", ())]


@pytest.mark.timeout(900)  # 12,000 requests in the long form, on a machine that does other things too
@pytest.mark.parametrize("rounds", [20, pytest.param(100, marks=pytest.mark.soak)])
def test_of_16_processes_that_publish_one_version_exactly_one_wins_in_each_round(
    bucket: str, rounds: int
) -> None:
    with program("race", f"s3://{bucket}", "16", str(rounds)) as running:
        told = json.loads(line_of(running))

    contents, outcomes = told["contents"], told["outcomes"]
    assert len(set(contents)) == 16
    assert [len(each) for each in outcomes] == [rounds] * 16, [each[-1] for each in outcomes]
    for number in range(rounds):
        of_round = [each[number] for each in outcomes]
        assert sorted(outcome for outcome, _, _ in of_round) == [REFUSED] * 15 + [WON]
        winner = next(process for process, (outcome, _, _) in enumerate(of_round) if outcome == WON)
        seen = {(latest, content) for _, latest, content in of_round}
        assert seen == {(f"round-{number}", contents[winner])}
    known = S3Models(S3Bucket(s3_client(), bucket)).versions(DEFAULT)
    assert len(known.versions) == rounds
    assert known.damaged == ()
    assert known.latest == ModelVersion(f"round-{rounds - 1}")
    # Four files of each version and a record of its becoming the latest, and LATEST.
    assert len(keys(bucket)) == rounds * 5 + 1


@pytest.mark.parametrize("kills", [15, pytest.param(50, marks=pytest.mark.soak)])
def test_publishers_killed_at_random_moments_leave_only_whole_versions(bucket: str, kills: int) -> None:
    choice = random.Random(20260301)
    first = a_trained_model("first", n_estimators=1)
    store = S3Models(S3Bucket(s3_client(), bucket))
    acknowledged: dict[ModelName, list[str]] = {}
    moments_with_leftovers = 0
    with program("publish", f"s3://{bucket}") as running:
        assert running.stdin is not None
        for kill in range(kills):
            name = ModelName(f"fleet-{kill // 5}")
            if name not in acknowledged:
                store.publish(renamed(first, "first", model_name=name))
                acknowledged[name] = ["first"]
            running.stdin.write(f"{name}\n")
            running.stdin.flush()
            publisher = None
            lines: list[str] = []
            while publisher is None:
                lines.append(line_of(running))
                if lines[-1].startswith("started "):
                    publisher = int(lines.pop().split()[1])
            if kill % 2 and not lines:
                # Every other one lives to publish once, however slow the machine is.
                lines.append(line_of(running))
            time.sleep(choice.uniform(0.2, 0.5))  # the moment of death, not a wait for anything
            os.kill(publisher, signal.SIGKILL)
            while (line := line_of(running)) != "ended":
                lines.append(line)
            acknowledged[name] += [line.removeprefix("published ") for line in lines]

            survivor = S3Models(S3Bucket(s3_client(), bucket))
            known = survivor.versions(name)
            assert known.damaged == ()
            for version in known.versions:
                survivor.load(name, version.model_version)
            latest = survivor.latest(name)
            assert survivor.load(name, latest).metadata in known.versions
            assert known.latest == latest
            # What was told to be published is there for good; the latest is the last of it or a later one.
            assert {*acknowledged[name]} <= {version.model_version.value for version in known.versions}
            assert latest.value == acknowledged[name][-1] or latest.value not in acknowledged[name]
            moments_with_leftovers += bool(keys(bucket, f".publications/{name}/"))

    assert store.names() == sorted(acknowledged, key=str)
    assert sum(map(len, acknowledged.values())) > len(acknowledged), "nobody got to publish anything"
    assert moments_with_leftovers > 0, "nobody was killed in the middle"
