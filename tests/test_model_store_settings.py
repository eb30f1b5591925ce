"""Where models are kept, by environment and by address."""

from pathlib import Path

import pytest

from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.s3_errors import UnusableModelStore
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.container import Container, open_model_store, prove_model_store
from vehicle_anomaly.core.errors import ModelStoreUnavailable
from vehicle_anomaly.settings import (
    FilesystemStore,
    ModelStore,
    S3Store,
    Settings,
    SettingsError,
    load_settings,
    model_store_at,
)


@pytest.mark.parametrize(
    ("environ", "store"),
    [
        ({}, FilesystemStore()),
        ({"MODEL_STORE": "filesystem", "MODEL_BUCKET": "ignored"}, FilesystemStore()),
        ({"MODEL_STORE": "s3", "MODEL_BUCKET": "my-models"}, S3Store("my-models")),
        ({"MODEL_STORE": "s3", "MODEL_BUCKET": " my-models ", "MODEL_PREFIX": ""}, S3Store("my-models")),
        (
            {"MODEL_STORE": "s3", "MODEL_BUCKET": "my.models", "MODEL_PREFIX": "/fleet/m-1/"},
            S3Store("my.models", "fleet/m-1"),
        ),
        (
            {"MODEL_STORE": "s3", "MODEL_BUCKET": "arn:aws:s3:eu-central-1:123456789012:accesspoint/models"},
            S3Store("arn:aws:s3:eu-central-1:123456789012:accesspoint/models"),
        ),
    ],
)
def test_the_environment_names_a_store(environ: dict[str, str], store: ModelStore) -> None:
    assert load_settings(environ).model_store == store


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({"MODEL_STORE": "gcs"}, "MODEL_STORE"),
        ({"MODEL_STORE": "s3"}, "MODEL_BUCKET"),
        ({"MODEL_STORE": "s3", "MODEL_BUCKET": "s3://my-models"}, "MODEL_BUCKET"),
        ({"MODEL_STORE": "s3", "MODEL_BUCKET": "a/b"}, "MODEL_BUCKET"),
        ({"MODEL_STORE": "s3", "MODEL_BUCKET": "my-models", "MODEL_PREFIX": "a//b"}, "MODEL_PREFIX"),
        ({"MODEL_STORE": "s3", "MODEL_BUCKET": "my-models", "MODEL_PREFIX": "../b"}, "MODEL_PREFIX"),
        ({"MODEL_STORE": "s3", "MODEL_BUCKET": "my-models", "MODEL_PREFIX": "."}, "MODEL_PREFIX"),
        ({"MODEL_STORE": "s3", "MODEL_BUCKET": "my-models", "MODEL_PREFIX": "a b"}, "MODEL_PREFIX"),
        ({"MODEL_STORE": "s3", "MODEL_BUCKET": "my-models", "MODEL_PREFIX": "x" * 513}, "MODEL_PREFIX"),
    ],
)
def test_a_wrong_value_is_told_with_its_variable(environ: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}: expected "):
        load_settings(environ)


@pytest.mark.parametrize(
    ("address", "store"),
    [
        ("file:artifacts", FilesystemStore(Path("artifacts"))),
        ("file:/srv/models", FilesystemStore(Path("/srv/models"))),
        ("file:///srv/models", FilesystemStore(Path("/srv/models"))),
        ("s3://my-models", S3Store("my-models")),
        ("s3://my-models/", S3Store("my-models")),
        ("s3://my-models/fleet/models/", S3Store("my-models", "fleet/models")),
    ],
)
def test_an_address_names_a_store(address: str, store: ModelStore) -> None:
    assert model_store_at(address) == store


@pytest.mark.parametrize(
    ("store", "adapter"), [(FilesystemStore(), FilesystemModels), (S3Store("my-models"), S3Models)]
)
def test_each_store_has_its_adapter(
    aws_environment: dict[str, str], store: ModelStore, adapter: type[object]
) -> None:
    assert isinstance(open_model_store(store), adapter)
    assert isinstance(Container(settings=Settings(model_store=store)).model_store(), adapter)


def test_a_store_that_cannot_be_proved_for_now_is_served_from_and_one_that_fails_the_proof_is_not(
    aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may only read, or starts while S3 is away, can serve: he proves it before he writes."""
    store = open_model_store(S3Store("my-models"))
    assert isinstance(store, S3Models)
    proofs = []

    def fail(self: S3Models) -> None:
        proofs.append(self)
        raise errors.pop()

    monkeypatch.setattr(S3Models, "prove", fail)
    errors = [UnusableModelStore("it lets a second one win"), ModelStoreUnavailable("access denied")]

    prove_model_store(store)
    with pytest.raises(UnusableModelStore):
        prove_model_store(store)

    assert proofs == [store, store]
