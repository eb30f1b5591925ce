"""Objects that S3 tells of → their verdicts beside them, and one result each."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import msgspec
import structlog
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from vehicle_anomaly.adapters.inbound.files.bad_line import BadLine
from vehicle_anomaly.adapters.inbound.files.columns import ModelColumns
from vehicle_anomaly.adapters.inbound.files.formats import SUFFIXES, FileFormat, format_by_name
from vehicle_anomaly.adapters.inbound.files.numbered_lines import NumberedLines
from vehicle_anomaly.adapters.inbound.files.reading import read_file
from vehicle_anomaly.adapters.inbound.files.scoring import Tally, scored
from vehicle_anomaly.adapters.inbound.files.verdicts import VerdictList
from vehicle_anomaly.adapters.inbound.sqs.aws_errors import told
from vehicle_anomaly.adapters.inbound.sqs.deliveries import Delivery
from vehicle_anomaly.adapters.inbound.sqs.errors import InfrastructureFault, UndecodableRequest
from vehicle_anomaly.adapters.inbound.sqs.messages import RefusedMessage, ResultMessage, ScoredObjectMessage
from vehicle_anomaly.adapters.inbound.sqs.object_events import CreatedObject, ObjectNotification
from vehicle_anomaly.adapters.inbound.sqs.verdict_upload import VerdictUpload
from vehicle_anomaly.adapters.inbound.wire.problems import Problem, problem, problem_of_refusal
from vehicle_anomaly.core.errors import InvalidModelVersion, Refusal, UnknownModelVersion
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion
from vehicle_anomaly.core.ports import ModelRepository
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_BUFFER_BYTES: Final = 256 * 1024
# A key's limit, in UTF-8 (Amazon S3 User Guide, "Naming Amazon S3 objects").
_MAX_KEY_BYTES: Final = 1024

# Metadata of the verdicts: of which event they are, and by which version.
_REVISION: Final = "event-revision"
_VERSION: Final = "model-version"

_GONE: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion"})
_REPLACED: Final = frozenset({"412", "PreconditionFailed"})
# However often the request is delivered, S3 will say it again.
_NEVER: Final = frozenset({"AccessDenied", "InvalidBucketName", "InvalidObjectState", "NoSuchBucket"})
# Who may not list a bucket is told 403 of what is not there.
_NO_VERDICTS: Final = frozenset({"403", "404"})

_encode_lines = msgspec.json.Encoder().encode_lines
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ObjectOptions:
    """Which objects are scored, and with what.

    Attributes:
        watched_prefix: What their keys begin with.
        results_prefix: What the keys of verdicts begin with; objects under it are never scored.
        model_name: The model, always in its latest version.
    """

    watched_prefix: str
    results_prefix: str
    model_name: ModelName

    def results_key(self, key: str) -> str:
        """Return where the verdicts on an object go, always the same place."""
        return f"{self.results_prefix}{key}.{FileFormat.NDJSON.value}"


class _Refused(Exception):
    """An object that is not scored, and will not be if it is tried again."""

    def __init__(self, told: Problem) -> None:
        self.problem = told
        super().__init__(told.detail)


@dataclass(frozen=True, slots=True)
class ScoreObjects:
    """Scores objects as `vehicle-anomaly score` does files.

    An object is read as a stream and its verdicts are written as they come: what is held of it is a thousand
    readings and a part of the upload.
    """

    s3: "S3Client"
    score_telemetry: ScoreTelemetry
    models: ModelRepository
    options: ObjectOptions

    def __call__(self, notification: ObjectNotification, delivery: Delivery) -> list[ResultMessage]:
        """Score the objects of a notification; one result for each that is to be scored.

        Raises:
            UndecodableRequest: S3 will never let this worker read an object, or write its verdicts.
            InfrastructureFault: S3 does not answer.
            DamagedModel: The version is not what was published.
            ModelStoreUnavailable: The model store is out of reach.
        """
        if notification.other_events:
            _log.info(
                "events ignored", request_id=delivery.request_id, events=list(notification.other_events)
            )
        return [
            self._answer(created, delivery) for created in notification.objects if self._is_watched(created)
        ]

    def _is_watched(self, created: CreatedObject) -> bool:
        watched = created.key.startswith(self.options.watched_prefix)
        # Consoles make an object of this kind for what they show as a folder.
        folder = created.key.endswith("/")
        if watched and not folder and not created.key.startswith(self.options.results_prefix):
            return True
        _log.info("object ignored", bucket=created.bucket, key=created.key)
        return False

    def _answer(self, created: CreatedObject, delivery: Delivery) -> ResultMessage:
        ids: dict[str, Any] = {"request_id": delivery.request_id, "correlation_id": delivery.correlation_id}
        try:
            return self._score(created, ids)
        except _Refused as refusal:
            return RefusedMessage(**ids, problem=refusal.problem)
        except BadLine as error:
            told = problem("bad-telemetry-file", "Not a file of telemetry", 400, str(error))
            return RefusedMessage(**ids, problem=told)
        except Refusal as refusal:
            return RefusedMessage(**ids, problem=problem_of_refusal(refusal))

    def _score(self, created: CreatedObject, ids: dict[str, Any]) -> ScoredObjectMessage:
        where = f"s3://{created.bucket}/{created.key}"
        file_format = format_by_name(PurePosixPath(created.key))
        if file_format is None:
            detail = f"{where}: expected a key that ends in {', '.join(SUFFIXES)}"
            raise _Refused(problem("unknown-file-format", "Neither CSV nor NDJSON", 415, detail))
        results_key = self.options.results_key(created.key)
        if len(results_key.encode()) > _MAX_KEY_BYTES:
            detail = f"{where}: the key leaves no room for that of its verdicts, {results_key[:80]!r}…"
            raise _Refused(problem("key-too-long", "The key is too long", 400, detail))
        with _faults_of_s3(where):
            model = self._model(created, results_key)
            metadata = {_VERSION: model.model_version.value}
            if created.revision is not None:
                metadata[_REVISION] = created.revision
            tally = Tally()
            with self._open(created) as stream:
                lines = NumberedLines(stream, where, lambda _: None)
                readings = read_file(lines, file_format, ModelColumns(model, _warn))
                with VerdictUpload(self.s3, created.bucket, results_key, metadata) as upload:
                    for verdicts in scored(readings, self.score_telemetry, model):
                        upload.write(_encode_lines(verdicts))
                        tally.add(VerdictList(verdicts))
                    upload.complete()
        return ScoredObjectMessage(
            **ids,
            bucket=created.bucket,
            key=created.key,
            results_key=results_key,
            model_name=model.model_name.value,
            model_version=model.model_version.value,
            record_count=tally.readings,
            anomaly_count=tally.anomalies,
        )

    def _model(self, created: CreatedObject, results_key: str) -> ModelMetadata:
        """Return the version that has scored this very event already, or else the latest.

        So a notification that is delivered again has the result that it had, whatever was published since.
        """
        name = self.options.model_name
        before = self._version_before(created, results_key)
        if before is not None:
            try:
                return self.models.load(name, before).metadata
            except UnknownModelVersion:
                _log.warning("version is gone", bucket=created.bucket, key=created.key, version=before.value)
        return self.models.load(name, self.models.latest(name)).metadata

    def _version_before(self, created: CreatedObject, results_key: str) -> ModelVersion | None:
        try:
            found = self.s3.head_object(Bucket=created.bucket, Key=results_key)["Metadata"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _NO_VERDICTS:
                return None
            raise
        if created.revision is None or found.get(_REVISION) != created.revision:
            return None
        try:
            return ModelVersion(found.get(_VERSION, ""))
        except InvalidModelVersion:
            return None

    @contextmanager
    def _open(self, created: CreatedObject) -> Iterator[BinaryIO]:
        """Read the object that the event is of, and not one that has taken its place since."""
        condition: dict[str, Any] = {}
        if created.version_id is not None:
            condition["VersionId"] = created.version_id
        elif created.etag is not None:
            condition["IfMatch"] = f'"{created.etag}"'
        found = self.s3.get_object(Bucket=created.bucket, Key=created.key, **condition)["Body"]
        try:
            # By way of the body's own methods, which turn what goes wrong into botocore's errors.
            yield cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", found), _BUFFER_BYTES))
        finally:
            found.close()


@contextmanager
def _faults_of_s3(where: str) -> Iterator[None]:
    try:
        yield
    except ParamValidationError as error:
        raise UndecodableRequest(f"{where}: cannot be the name of an object") from error
    except BotoCoreError as error:
        raise InfrastructureFault(f"{where}: {told(error)}") from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _GONE:
            detail = f"{where}: is not there any more"
            raise _Refused(problem("object-gone", "The object is gone", 404, detail)) from error
        if code in _REPLACED:
            detail = f"{where}: has been replaced since; what replaced it has an event of its own"
            raise _Refused(problem("object-replaced", "The object was replaced", 409, detail)) from error
        if code in _NEVER:
            raise UndecodableRequest(f"{where}: {code}") from error
        raise InfrastructureFault(f"{where}: {told(error)}") from error


def _warn(what: str) -> None:
    _log.warning("columns missing", what=what)
