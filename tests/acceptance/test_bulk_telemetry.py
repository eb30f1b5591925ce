"""Steps of features/bulk_telemetry.feature: other ways in than messages have."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyarrow as pa
import pytest
from dependency_injector import providers
from pytest_bdd import given, parsers, scenarios, then, when

from tests.acceptance.bulk_drivers import ArrowOverHttp, Columns, ColumnsRefused, ParquetFiles, Verdict
from tests.acceptance.conftest import STORES, make_store
from tests.acceptance.telemetry import NAMES, as_json, healthy, of_all_kinds
from tests.http_service import serving
from vehicle_anomaly.adapters.inbound.wire.answers import score_batch_response
from vehicle_anomaly.adapters.inbound.wire.commands import score_batch_command, train_model_command
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding
from vehicle_anomaly.container import Container
from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.settings import FilesystemStore, Settings

scenarios("bulk_telemetry.feature")

WAYS_IN = ("arrow", "parquet")
_BEGAN = datetime(2026, 11, 22, 10, tzinfo=UTC)


@dataclass(slots=True)
class Bulk:
    """A service, the way in for columns, and what was sent and told."""

    container: Container
    columns: Columns
    sent: pa.Table | None = None
    told: list[Verdict] | ColumnsRefused | None = None
    explain: Explain | None = None

    def score(self, table: pa.Table, explain: Explain | None = None) -> None:
        """Score a table."""
        self.sent, self.explain = table, explain
        self.told = self.columns.score(self.columns.write(table), explain)

    @property
    def verdicts(self) -> list[Verdict]:
        """What was told, which must not be a refusal."""
        assert isinstance(self.told, list), self.told
        return self.told


@pytest.fixture(params=[(way_in, store) for way_in in WAYS_IN for store in STORES], ids="-".join)
def world(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    new_bucket: Callable[[], str],
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Bulk]:
    """Make the service, its store and the way into it."""
    way_in, store = request.param
    settings = Settings(model_store=FilesystemStore(tmp_path), n_estimators=30, model_refresh_seconds=0.0)
    container = Container(settings=settings)
    container.model_store.override(providers.Object(make_store(store, tmp_path / "store", new_bucket)))
    with ExitStack() as stack:
        columns: Columns
        if way_in == "arrow":
            url = stack.enter_context(serving(container.http_app()))
            columns = ArrowOverHttp(stack.enter_context(httpx.Client(base_url=url, timeout=60)))
        else:

            def printed() -> tuple[str, str]:
                told = capfd.readouterr()
                return told.out, told.err

            columns = ParquetFiles(container, tmp_path, printed)
        yield Bulk(container, columns)


def table_of(values: Any, **other: Any) -> pa.Table:
    """Make columns of rows: a reading a second; other columns take the place of those of the same name."""
    columns: dict[str, Any] = {
        "vehicle_id": pa.array([f"veh-{row % 7:03}" for row in range(len(values))]),
        "timestamp": pa.array(
            [_BEGAN + timedelta(seconds=row) for row in range(len(values))], pa.timestamp("us", "UTC")
        ),
    }
    columns |= {name: pa.array(values[:, place]) for place, name in enumerate(NAMES)}
    return pa.table(columns | other)


def records_of(table: pa.Table) -> list[dict[str, Any]]:
    """Write the rows of a table as records."""
    return [
        {
            "vehicle_id": row["vehicle_id"],
            "timestamp": row["timestamp"].isoformat().replace("+00:00", "Z"),
            "feature_vector": [row[name] for name in NAMES],
        }
        for row in table.to_pylist()
    ]


@given('version "v1" of model "default" was trained on healthy vehicles')
def trained(world: Bulk) -> None:
    world.columns.train(world.columns.write(table_of(healthy(100))), "v1")


@when(parsers.parse('I train version "{version}" on {n:d} readings of healthy vehicles in columns'))
def train_on_columns(world: Bulk, version: str, n: int) -> None:
    world.sent = table_of(healthy(n, seed=3))
    world.columns.train(world.columns.write(world.sent), version)


@then(parsers.parse('version "{version}" learnt what it would have learnt from the same readings as records'))
def learnt_the_same(world: Bulk, version: str) -> None:
    body = {"records": records_of(world.sent), "feature_names": NAMES, "model_version": version}
    # Under one version: other content would be refused.
    known = world.container.train_model()(train_model_command(as_json(body), Encoding.JSON))
    assert known == world.container.models().metadata(ModelName("default"), ModelVersion(version))


@when(parsers.parse("I score {n:d} readings of all kinds in columns"))
def score_columns(world: Bulk, n: int) -> None:
    world.score(table_of(of_all_kinds(n)))


@when(parsers.parse('I score {n:d} readings of all kinds in columns, explaining "{which}"'))
def score_columns_explaining(world: Bulk, n: int, which: Explain) -> None:
    world.score(table_of(of_all_kinds(n)), which)


@then(parsers.parse("{which} are explained"))
def explained(world: Bulk, which: str) -> None:
    anomalous = [told["is_anomaly"] for told in world.verdicts]
    assert 0 < sum(anomalous) < len(anomalous)
    expected = {
        "all": [True] * len(anomalous),
        "the anomalies": anomalous,
        "none": [False] * len(anomalous),
    }[which]
    assert [told["explanation"] is not None for told in world.verdicts] == expected


@then("the verdicts are what the same readings would have got as records, in order")
def as_records(world: Bulk) -> None:
    body = {"records": records_of(world.sent), "explain": world.explain}
    command, timestamps = score_batch_command(as_json(body), Encoding.JSON)
    expected = score_batch_response(world.container.score_telemetry()(command), timestamps)
    assert world.verdicts == msgspec.json.decode(msgspec.json.encode(expected.results))


@when(parsers.parse('I score {n:d} readings in columns, where "{name}" is empty in the third'))
def score_with_gap(world: Bulk, n: int, name: str) -> None:
    values = healthy(n)
    cells = values[:, NAMES.index(name)].tolist()
    world.score(table_of(values, **{name: pa.array([*cells[:2], None, *cells[3:]])}))


@then(parsers.parse('only the third verdict says that "{name}" is missing'))
def third_is_missing(world: Bulk, name: str) -> None:
    expected = [[name] if row == 2 else [] for row in range(len(world.verdicts))]
    assert [told["missing"] for told in world.verdicts] == expected


@when(parsers.parse('I score {n:d} readings without a column for "{name}"'))
def score_without_column(world: Bulk, n: int, name: str) -> None:
    world.score(table_of(healthy(n)).drop([name]))


@then(parsers.parse('every verdict says that "{name}" is missing'))
def all_missing(world: Bulk, name: str) -> None:
    assert {tuple(told["missing"]) for told in world.verdicts} == {(name,)}


@when("I score columns of which the last quarter is cut off")
def score_cut_off(world: Bulk) -> None:
    whole = world.columns.write(table_of(healthy(20)))
    world.told = world.columns.score(whole[: len(whole) * 3 // 4])


@then("they are refused")
def refused(world: Bulk) -> None:
    assert isinstance(world.told, ColumnsRefused), world.told


@when(parsers.parse("I score columns where {fault}"))
def score_with_fault(world: Bulk, fault: str) -> None:
    values = healthy(20)
    speed = NAMES[1]
    faulty = {
        "a number of the third row is NaN": lambda: table_of(
            values, **{speed: pa.array([1.0, 2.0, float("nan"), *[50.0] * 17])}
        ),
        "there is an unknown sensor": lambda: table_of(values, oil=pa.array([1.0] * 20)),
        "a sensor wrote text": lambda: table_of(values, **{speed: pa.array(["fast"] * 20)}),
        "there are no vehicles": lambda: table_of(values).drop(["vehicle_id"]),
    }
    world.score(faulty[fault]())


@then(parsers.parse('they are refused, naming "{place}"'))
def refused_at(world: Bulk, place: str) -> None:
    assert isinstance(world.told, ColumnsRefused), world.told
    assert place in world.told.detail
