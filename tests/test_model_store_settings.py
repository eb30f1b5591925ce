"""Where models are kept, by environment and by address."""

from pathlib import Path

import pytest

from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.adapters.outbound.s3_models import S3Models
from vehicle_anomaly.container import Container, open_model_store
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
