"""Arrow streams → commands and verdicts, as for messages in JSON."""

from msgspec.structs import asdict

from vehicle_anomaly.adapters.inbound.wire.answers import (
    ScoreBatchResponse,
    VerdictResponse,
    verdict_responses,
)
from vehicle_anomaly.adapters.inbound.wire.arrow import read_stream, write_stream
from vehicle_anomaly.adapters.inbound.wire.arrow_layout import ArrowTelemetry
from vehicle_anomaly.adapters.inbound.wire.limits import NO_LIMITS, MessageLimits
from vehicle_anomaly.core.errors import EmptyBatch
from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelName, ModelVersion
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry
from vehicle_anomaly.core.telemetry import TelemetryBatch
from vehicle_anomaly.core.train_model import TrainModelCommand

ARROW_STREAM = "application/vnd.apache.arrow.stream"


def arrow_train_command(
    body: bytes,
    name: str | None,
    version: str | None,
    false_alarm_rate: float | None = None,
    limits: MessageLimits = NO_LIMITS,
) -> TrainModelCommand:
    """Read a stream to train on; the columns name the features.

    Raises:
        MalformedMessage: It cannot be decoded.
        Refusal: Its readings or the names are not valid.
        ArrowMissing: pyarrow is not installed.
    """
    model_name, model_version = named(name, version)
    told = read_stream(body, limits)
    batch = TelemetryBatch(told.values, told.vehicle_ids, told.timestamps, told.feature_names)
    return limits.checked(TrainModelCommand(batch, model_name, model_version, false_alarm_rate))


def score_columns(
    told: ArrowTelemetry,
    name: ModelName,
    version: ModelVersion | None,
    score_telemetry: ScoreTelemetry,
    explain: Explain | None = None,
) -> ScoreBatchResponse:
    """Score columns: by name, or by position when the model's features have no names.

    Raises:
        Refusal: The core refuses them or the model.
    """
    if not told.vehicle_ids:
        raise EmptyBatch
    scores = score_telemetry.score_columns(told.values, told.feature_names, name, version, explain)
    answers = verdict_responses(scores, told.vehicle_ids, told.told_timestamps())
    return ScoreBatchResponse(scores.model_name.value, scores.model_version.value, answers)


def arrow_answer(answer: ScoreBatchResponse) -> bytes:
    """Write verdicts as an Arrow stream: a column per field; `missing` and `reasons` as texts.

    `explanation` is a list of structs, as `ContributionResponse` has it; `feature` as text.
    """
    columns = {
        field: [getattr(verdict, field) for verdict in answer.results]
        for field in VerdictResponse.__struct_fields__
    }
    columns["missing"] = [[str(one) for one in missing] for missing in columns["missing"]]
    columns["reasons"] = [[reason.message for reason in reasons] for reasons in columns["reasons"]]
    columns["explanation"] = [
        None if told is None else [{**asdict(each), "feature": str(each.feature)} for each in told]
        for told in columns["explanation"]
    ]
    return write_stream(columns)


def named(name: str | None, version: str | None) -> tuple[ModelName, ModelVersion | None]:
    """Return the model and the version that a query names; None for the latest.

    Raises:
        Refusal: They are no names.
    """
    model_name = DEFAULT_MODEL_NAME if name is None else ModelName(name)
    return model_name, None if version is None else ModelVersion(version)
