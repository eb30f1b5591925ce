"""What callers send."""

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from vehicle_anomaly.adapters.inbound.wire.fields import (
    ExplainText,
    FalseAlarmRate,
    FeatureNames,
    Features,
    FeatureVector,
    ModelNameText,
    ModelVersionText,
    Timestamp,
    VehicleId,
)
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME


class TelemetryRecord(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What one vehicle measured at one time: `feature_vector`, or `features` by name, but not both."""

    vehicle_id: VehicleId
    timestamp: Timestamp
    feature_vector: FeatureVector | UnsetType = UNSET
    features: Features | UnsetType = UNSET


class ScoreRequest(TelemetryRecord, forbid_unknown_fields=True):
    """A reading to score, with a version of a model; with its latest when none is named."""

    model_name: ModelNameText = DEFAULT_MODEL_NAME.value
    model_version: ModelVersionText | None = None
    explain: ExplainText | None = None


Record = TypeVar("Record")
"""`TelemetryRecord`, or `msgspec.Raw` while the records are still to be decoded one by one."""

# The domain refuses an empty batch, for every driver; here it is only documented.
_Records = Annotated[list[Record], msgspec.Meta(extra_json_schema={"minItems": 1})]


class ScoreBatchRequest(msgspec.Struct, Generic[Record], forbid_unknown_fields=True):
    """Readings to score, with a version of a model; with its latest when none is named."""

    records: _Records[Record]
    model_name: ModelNameText = DEFAULT_MODEL_NAME.value
    model_version: ModelVersionText | None = None
    explain: ExplainText | None = None


class IngestRequest(msgspec.Struct, Generic[Record], forbid_unknown_fields=True):
    """Readings to learn from, and the version they become; the service names it when the caller does not."""

    records: _Records[Record]
    feature_names: FeatureNames | None = None
    model_name: ModelNameText = DEFAULT_MODEL_NAME.value
    model_version: ModelVersionText | None = None
    false_alarm_rate: FalseAlarmRate | None = None


class PromoteRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The version to answer with when none is named: a newer one, or an older one to roll back to."""

    model_version: ModelVersionText
