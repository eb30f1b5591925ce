"""Steps of features/signatures.feature: over HTTP, on every store that keeps files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from tests.acceptance.drivers import Answer, Http, Refused
from tests.acceptance.telemetry import as_json, healthy, record, records
from tests.fakes import ADA
from tests.http_service import serving
from vehicle_anomaly.container import Container, open_model_store
from vehicle_anomaly.core.copy_version import CopyVersion, CopyVersionCommand
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.settings import FilesystemStore, ModelStore, S3Store, Settings

scenarios("signatures.feature")

OURS, NEW = "our-key-" * 4, "new-key-" * 4


@dataclass(slots=True)
class Signed:
    """A store, and services on it.

    Attributes:
        store: Where versions are.
        copy: Where copies go.
        stack: What ends with the scenario.
        keys: What the service that answers signs with and accepts.
        answer: To the last reading.
    """

    store: ModelStore
    copy: ModelStore
    stack: ExitStack
    keys: str = OURS
    answer: Answer = field(default_factory=dict)
    _serving: Http | None = None

    @property
    def service(self) -> Http:
        """The service that answers, with our keys."""
        if self._serving is None:
            self._serving = self.serve(self.store, self.keys)
        return self._serving

    def serve(self, store: ModelStore, keys: str | None) -> Http:
        """Serve a store, with keys or without."""
        settings = Settings(
            model_store=store, n_estimators=30, model_refresh_seconds=0.0, model_signing_key=keys
        )
        url = self.stack.enter_context(serving(Container(settings=settings).http_app()))
        return Http(self.stack.enter_context(httpx.Client(base_url=url, timeout=60)))

    def train(self, version: str, keys: str | None) -> None:
        """Train, and have a service that has begun see the version."""
        seed = int(version.removeprefix("v"))
        body = as_json({"records": records(healthy(60, seed)), "model_version": version})
        assert isinstance(self.serve(self.store, keys).train(body), dict)


@pytest.fixture(params=["filesystem", "s3"], autouse=True)
def world(request: pytest.FixtureRequest, tmp_path: Path, new_bucket: Callable[[], str]) -> Iterator[Signed]:
    """Make two empty stores."""
    stores: list[ModelStore] = (
        [FilesystemStore(tmp_path / "models"), FilesystemStore(tmp_path / "copies")]
        if request.param == "filesystem"
        else [S3Store(new_bucket(), "models"), S3Store(new_bucket(), "copies")]
    )
    with ExitStack() as stack:
        yield Signed(stores[0], stores[1], stack)


@given(parsers.parse('version "{version}" was trained with our key'))
def trained_with_key(world: Signed, version: str) -> None:
    world.train(version, OURS)


@given(parsers.parse('version "{version}" was trained without a key'))
def trained_without_key(world: Signed, version: str) -> None:
    world.train(version, None)


@given(parsers.parse('somebody without our key puts version "{version}" there, as the latest'))
def put_there(world: Signed, version: str) -> None:
    # The service knows the version before.
    score(world)
    world.train(version, None)


@given("a new key signs, and ours is still accepted")
def new_key(world: Signed) -> None:
    world.keys = f"{NEW},{OURS}"


@when("a reading of a healthy vehicle is scored")
def score(world: Signed) -> None:
    world.answer = world.service.score(_reading())


@when(parsers.parse('the operator signs version "{version}" in a copy'))
def sign(world: Signed, version: str) -> None:
    signed = Container(settings=Settings(model_store=world.copy, model_signing_key=OURS))
    copy = CopyVersion(open_model_store(world.store), open_model_store(world.copy, signed.signatures()))
    copy(CopyVersionCommand(ModelName("default"), ModelVersion(version), ADA, sign=True))


@when("a reading of a healthy vehicle is scored from the copy")
def score_from_copy(world: Signed) -> None:
    world.answer = world.serve(world.copy, OURS).score(_reading())


@then(parsers.parse('version "{version}" answers'))
def answers(world: Signed, version: str) -> None:
    assert isinstance(world.answer, dict), world.answer
    assert world.answer["model_version"] == version


@then(parsers.parse('it is refused, for "{version}" is not signed'))
def refused(world: Signed, version: str) -> None:
    assert isinstance(world.answer, Refused), world.answer
    assert world.answer.kind == "untrusted-model"
    assert f"version {version!r}" in world.answer.detail
    assert "is not signed" in world.answer.detail


def _reading() -> bytes:
    return as_json(record(healthy(1).tolist()[0]))
