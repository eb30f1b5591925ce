"""Many processes on one store, and processes that are killed."""

import json
import os
import random
import signal
import time
from pathlib import Path

from tests.adapters.outbound.programs import line_of, program
from tests.adapters.outbound.publishers import REFUSED, WON
from tests.fakes import a_trained_model, renamed
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel

DEFAULT = ModelName("default")


def test_of_16_processes_that_publish_one_version_exactly_one_wins_in_100_rounds(
    store: FilesystemModels, root: Path
) -> None:
    with program("race", str(root), "16", "100") as running:
        told = json.loads(line_of(running))

    contents, outcomes = told["contents"], told["outcomes"]
    assert len(set(contents)) == 16
    assert [len(each) for each in outcomes] == [100] * 16, [each[-1] for each in outcomes]
    for number in range(100):
        of_round = [each[number] for each in outcomes]
        assert sorted(outcome for outcome, _, _ in of_round) == [REFUSED] * 15 + [WON]
        winner = next(process for process, (outcome, _, _) in enumerate(of_round) if outcome == WON)
        seen = {(latest, content) for _, latest, content in of_round}
        assert seen == {(f"round-{number}", contents[winner])}
    known = store.versions(DEFAULT)
    assert len(known.versions) == 100
    assert known.damaged == ()
    assert known.latest == ModelVersion("round-99")
    assert sorted([path.name for path in (root / "default").glob(".*")]) == [".lock", ".promotions"]


def test_200_publishers_killed_at_random_moments_leave_only_whole_versions(
    store: FilesystemModels, root: Path
) -> None:
    choice = random.Random(20260301)
    first = a_trained_model("first", n_estimators=1)
    acknowledged: dict[ModelName, list[str]] = {}
    moments_with_leftovers = 0
    with program("publish", str(root)) as running:
        assert running.stdin is not None
        for kill in range(200):
            # A model for every ten kills: what is looked at after each of them stays small.
            name = ModelName(f"fleet-{kill // 10}")
            if name not in acknowledged:
                store.publish(renamed(first, "first", model_name=name))
                acknowledged[name] = ["first"]
            running.stdin.write(f"{name}\n")
            running.stdin.flush()
            publisher = None
            lines = []
            while publisher is None:
                lines.append(line_of(running))
                if lines[-1].startswith("started "):
                    publisher = int(lines.pop().split()[1])
            if kill % 2 and not lines:
                # Every other one lives to publish once, however slow the machine is.
                lines.append(line_of(running))
            time.sleep(choice.uniform(0, 0.04))
            os.kill(publisher, signal.SIGKILL)
            while (line := line_of(running)) != "ended":
                lines.append(line)
            acknowledged[name] += [line.removeprefix("published ") for line in lines]

            survivor = FilesystemModels(root)
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
            moments_with_leftovers += any((root / name.value).glob(".[tn]*"))

    assert store.names() == sorted(acknowledged, key=str)
    assert sum(map(len, acknowledged.values())) > len(acknowledged), "nobody got to publish anything"
    assert moments_with_leftovers > 0, "nobody was killed in the middle"


def test_what_killed_publishers_left_is_gone_an_hour_later(store: FilesystemModels, root: Path) -> None:
    with program("publish", str(root)) as running:
        assert running.stdin is not None
        left: list[Path] = []
        while not left:
            running.stdin.write("default\n")
            running.stdin.flush()
            publisher = None
            while publisher is None:
                line = line_of(running)
                if line.startswith("started "):
                    publisher = int(line.split()[1])
            while not left:
                left = list((root / "default").glob(".tmp-*"))
            os.kill(publisher, signal.SIGKILL)
            while line_of(running) != "ended":
                pass
            left = list((root / "default").glob(".tmp-*"))
    for path in left:
        os.utime(path, (0, 0))

    store.publish(a_trained_model("v1", n_estimators=1))

    assert list((root / "default").glob(".tmp-*")) == []
    assert store.latest(DEFAULT) == ModelVersion("v1")


def test_several_processes_see_a_new_latest_version_within_their_refresh_time(
    store: FilesystemModels, root: Path, model: TrainedModel
) -> None:
    refresh_seconds = 0.5
    store.publish(model)
    arguments = ("watch", str(root), str(refresh_seconds), "v2")
    with program(*arguments) as one, program(*arguments) as two, program(*arguments) as three:
        readers = (one, two, three)
        assert [line_of(reader) for reader in readers] == ["watching"] * 3
        store.publish(renamed(model, "v2"))
        published_at = time.monotonic()
        asked_in_vain_at = [float(line_of(reader)) for reader in readers]

    # Nobody who asked later than that still got the old version, however slow the machine is.
    assert max(asked_in_vain_at) < published_at + refresh_seconds
