"""A trained model as the files that every store keeps, and back.

`forest.npz` and `guards.npz` are what serving reads: flat arrays, no pickle; versions without guards have no
`guards.npz`, and those without percentiles no healthy scores in `forest.npz`. `model.joblib` is for
notebooks: written, never read. `report.json` is what was said of the training; versions of before there were
reports have none. `manifest.json` says what is known of the version and vouches for the others; without it
there is no version.
"""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import joblib
import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from vehicle_anomaly.adapters.outbound import npz
from vehicle_anomaly.core import contrast_trees, healthy_scores
from vehicle_anomaly.core import guards as core_guards
from vehicle_anomaly.core.contrast_trees import ContrastTrees
from vehicle_anomaly.core.errors import DamagedModel, Refusal
from vehicle_anomaly.core.forest import ARRAY_DTYPES, Forest
from vehicle_anomaly.core.guards import Guards
from vehicle_anomaly.core.healthy_scores import HealthyScores
from vehicle_anomaly.core.model import GuardsKind, ModelMetadata, ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.telemetry_sample import TelemetrySample
from vehicle_anomaly.core.training_report import TrainingReport

FOREST: Final = "forest.npz"
ESTIMATOR: Final = "model.joblib"
GUARDS: Final = "guards.npz"
REPORT: Final = "report.json"
SAMPLE: Final = "sample.npz"
MANIFEST: Final = "manifest.json"
LATEST: Final = "LATEST"

FORMAT_VERSION: Final = 1

MAX_MANIFEST_BYTES: Final = 16 * 1024 * 1024
MAX_FOREST_BYTES: Final = 1024 * 1024 * 1024
"""Of `forest.npz`, packed and unpacked: 1,000 trees on 4,096 samples each take 280 MB."""
MAX_GUARDS_BYTES: Final = 64 * 1024 * 1024
"""Of `guards.npz`, packed and unpacked: 1,600 trees of depth 6 on 4,096 features take 1 MB."""
MAX_REPORT_BYTES: Final = 32 * 1024 * 1024
"""Of `report.json`: on 4,096 features it takes 6 MB."""
MAX_SAMPLE_BYTES: Final = 16 * 1024 * 1024
"""Of `sample.npz`, packed and unpacked: a million values take 8 MB."""
MAX_FILE_BYTES: Final = {
    FOREST: MAX_FOREST_BYTES,
    ESTIMATOR: 2 * 1024 * 1024 * 1024,
    GUARDS: MAX_GUARDS_BYTES,
    REPORT: MAX_REPORT_BYTES,
    SAMPLE: MAX_SAMPLE_BYTES,
}
_OPTIONAL: Final = frozenset({GUARDS, REPORT, SAMPLE})
MAX_VERSION_BYTES: Final = MAX_MANIFEST_BYTES + sum(MAX_FILE_BYTES.values())

_SCALARS = {"offset": np.float64}
_GUARD_SCALARS = {"depth": np.int64, "isolation_limit": np.float64}
_MAX_COUNT = 2**53  # beyond it, a float, which scores are made with, no longer counts
_Count = Annotated[int, msgspec.Meta(ge=0, le=_MAX_COUNT)]
_Positive = Annotated[int, msgspec.Meta(ge=1, le=_MAX_COUNT)]


class _FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size: _Count
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


# What has a default was added later, and is left out where it says nothing: manifests of before stay as they
# are, to the byte.
class _MetadataEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    model_name: str
    model_version: str
    trained_at: Annotated[datetime, msgspec.Meta(tz=True)]
    n_estimators: _Positive
    contamination: float | Literal["auto"]
    random_state: _Count
    max_samples: _Positive
    n_features: _Positive
    feature_names: tuple[str, ...] | None
    record_count: _Positive
    records_with_missing: _Count
    missing_per_feature: tuple[_Count, ...]
    vehicle_count: _Positive
    first_timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    last_timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    guards: GuardsKind = "none"
    false_alarm_rate: float | None = None
    percentile_readings: _Positive | None = None
    records_without_values: _Count = 0


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `manifest.json` holds.

    Attributes:
        format_version: Of the layout of these files.
        content_sha256: `TrainedModel.content_sha256`: tells a second publishing of the same content from
            one of other content.
        metadata: What is known of the version.
        files: Size in bytes and SHA-256 of each other file.
        manifest_sha256: Of all the above; a manifest that was edited is damaged.
        signature: HMAC-SHA-256 of the same, in hexadecimal, where a key was there to sign with; the hash
            covers it too.
    """

    format_version: int
    content_sha256: str
    metadata: _MetadataEntry
    files: dict[str, _FileEntry]
    manifest_sha256: str = ""
    signature: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")] | UnsetType = UNSET

    def to_sign(self) -> bytes:
        """Return what is signed: all but the hash and the signature."""
        return msgspec.json.encode(msgspec.structs.replace(self, manifest_sha256="", signature=UNSET))

    def sealed(self) -> "Manifest":
        """Return this manifest with its own hash in it."""
        blank = msgspec.structs.replace(self, manifest_sha256="")
        seal = hashlib.sha256(msgspec.json.encode(blank)).hexdigest()
        return msgspec.structs.replace(self, manifest_sha256=seal)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The bytes of a version: each file, in the order they are written in, and the manifest for last."""

    files: Mapping[str, bytes]
    manifest: bytes
    content_sha256: str


def encode(model: TrainedModel) -> ModelFiles:
    """Turn a model into its files."""
    estimator = io.BytesIO()
    joblib.dump(model.estimator, estimator, compress=3)
    arrays: dict[str, np.ndarray] = {
        **model.forest.arrays(),
        "offset": np.array([model.forest.offset]),
        "medians": model.medians,
    }
    if model.healthy_scores is not None:
        arrays |= model.healthy_scores.arrays()
    files = {FOREST: npz.write(arrays), ESTIMATOR: estimator.getvalue()}
    if model.guards is not None:
        files[GUARDS] = _encode_guards(model.guards)
    if model.report is not None:
        files[REPORT] = msgspec.json.encode(model.report)
    if model.sample is not None:
        files[SAMPLE] = npz.write({"values": model.sample.values.ravel(), "records": model.sample.records})
    known = asdict(model.metadata)
    known["model_name"] = model.metadata.model_name.value
    known["model_version"] = model.metadata.model_version.value
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        content_sha256=model.content_sha256(),
        metadata=_MetadataEntry(**known),
        files={name: _FileEntry(len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()},
    ).sealed()
    return ModelFiles(files, encode_manifest(manifest), manifest.content_sha256)


def encode_manifest(manifest: Manifest) -> bytes:
    """Write a manifest as people can read it."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def _encode_guards(made: Guards) -> bytes:
    scalars = {"depth": np.array([made.trees.depth]), "isolation_limit": np.array([made.isolation_limit])}
    return npz.write({**made.trees.arrays(), **made.arrays(), **scalars})


def decode_manifest(data: bytes, name: ModelName, version: ModelVersion) -> Manifest:
    """Read a manifest.

    Raises:
        DamagedModel: It is no manifest, of another format, or another version's.
    """
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedModel(name.value, version.value, f"{MANIFEST} is not readable: {error}") from error
    if manifest.format_version != FORMAT_VERSION:
        reason = (
            f"{MANIFEST} has format version {manifest.format_version}, this service reads {FORMAT_VERSION}"
        )
        raise DamagedModel(name.value, version.value, reason)
    if manifest.sealed().manifest_sha256 != manifest.manifest_sha256:
        raise DamagedModel(name.value, version.value, f"{MANIFEST} is not what was published")
    told = manifest.metadata
    if (told.model_name, told.model_version) != (name.value, version.value):
        reason = f"{MANIFEST} is that of version {told.model_version!r} of model {told.model_name!r}"
        raise DamagedModel(name.value, version.value, reason)
    return manifest


def metadata(manifest: Manifest) -> ModelMetadata:
    """Return what a manifest knows of its version.

    Raises:
        DamagedModel: Its fields contradict each other.
    """
    told = manifest.metadata
    try:
        known = {**msgspec.structs.asdict(told)}
        known["model_name"] = ModelName(told.model_name)
        known["model_version"] = ModelVersion(told.model_version)
        return ModelMetadata(**known)
    except (ValueError, Refusal) as error:
        raise DamagedModel(told.model_name, told.model_version, f"{MANIFEST}: {error}") from error


def check_serving(manifest: Manifest, forest: bytes, guards: bytes | None) -> None:
    """Compare the files that a version is scored with with what the manifest lists.

    Args:
        manifest: Of the version.
        forest: `forest.npz`.
        guards: `guards.npz`; None where the manifest lists none.

    Raises:
        DamagedModel: One has not the size and hash that it was published with.
    """
    check_fingerprint(manifest, FOREST, len(forest), hashlib.sha256(forest).hexdigest())
    if guards is not None:
        check_fingerprint(manifest, GUARDS, len(guards), hashlib.sha256(guards).hexdigest())


def check_fingerprint(manifest: Manifest, file: str, size: int, sha256: str) -> None:
    """Compare what is known of a file with what the manifest lists.

    Raises:
        DamagedModel: It is not listed, or with another size or hash.
    """
    told = manifest.metadata
    entry = manifest.files.get(file)
    if entry is None:
        raise DamagedModel(told.model_name, told.model_version, f"{MANIFEST} does not list {file}")
    if (entry.size, entry.sha256) != (size, sha256):
        reason = f"{file} does not have the size and SHA-256 that {MANIFEST} lists"
        raise DamagedModel(told.model_name, told.model_version, reason)


def listed_files(manifest: Manifest) -> dict[str, int]:
    """Return the files that a manifest lists, each with the size that it may have at most.

    Raises:
        DamagedModel: One is missing that every version has, or one is there that none has.
    """
    listed = manifest.files.keys()
    if not MAX_FILE_BYTES.keys() - _OPTIONAL <= listed <= MAX_FILE_BYTES.keys():
        told = manifest.metadata
        reason = f"{MANIFEST} lists {', '.join(listed)}: expected {', '.join(MAX_FILE_BYTES)}"
        raise DamagedModel(told.model_name, told.model_version, reason)
    return {file: max_bytes for file, max_bytes in MAX_FILE_BYTES.items() if file in listed}


def check_files(
    manifest: bytes, files: Mapping[str, bytes], name: ModelName, version: ModelVersion
) -> ModelFiles:
    """Compare all files of a version with what its manifest lists: no byte of them is parsed.

    Args:
        manifest: `manifest.json`.
        files: The others.
        name: The model that the manifest must be of.
        version: The version that it must be of.

    Raises:
        DamagedModel: They are not what was published.
    """
    listed = decode_manifest(manifest, name, version)
    if files.keys() != listed_files(listed).keys():
        reason = f"{MANIFEST} lists {', '.join(listed.files)}, and there are {', '.join(files)}"
        raise DamagedModel(name.value, version.value, reason)
    for file, data in files.items():
        check_fingerprint(listed, file, len(data), hashlib.sha256(data).hexdigest())
    return ModelFiles(files, manifest, listed.content_sha256)


def decode(manifest: Manifest, forest: bytes, guards: bytes | None = None) -> TrainedModel:
    """Turn the files of a version back into a model.

    The hash of each file is checked before a byte of it is parsed; after it, every array; and at the end,
    that they are, together with the manifest, the content that was published.

    Args:
        manifest: Of the version.
        forest: `forest.npz`.
        guards: `guards.npz`, if the manifest lists it.

    Raises:
        DamagedModel: The files are not what was published, or are no model.
    """
    check_serving(manifest, forest, guards)
    known = metadata(manifest)
    name, version = known.model_name.value, known.model_version.value
    dtypes = {**ARRAY_DTYPES, **_SCALARS, "medians": np.float64}
    if known.percentile_readings is not None:
        dtypes |= healthy_scores.ARRAY_DTYPES
    file = FOREST
    try:
        arrays = npz.read(forest, dtypes, MAX_FOREST_BYTES)
        (offset,) = arrays.pop("offset").tolist()
        medians = arrays.pop("medians")
        healthy = _decode_healthy_scores(arrays)
        grown = Forest(n_features=known.n_features, max_samples=known.max_samples, offset=offset, **arrays)
        file = GUARDS
        made = None if guards is None else _decode_guards(guards, known.n_features)
        file = FOREST
        model = TrainedModel(known, grown, medians, guards=made, healthy_scores=healthy)
    except ValueError as error:
        raise DamagedModel(name, version, f"{file}: {error}") from error
    # The manifest's own fields count too: feature names in another order would give other scores.
    if model.content_sha256() != manifest.content_sha256:
        raise DamagedModel(name, version, f"{MANIFEST} and {FOREST} are not the content that was published")
    return model


def _decode_healthy_scores(arrays: dict[str, Any]) -> HealthyScores | None:
    told = {name: arrays.pop(name) for name in healthy_scores.ARRAY_DTYPES if name in arrays}
    return HealthyScores(**told) if told else None


def _decode_guards(data: bytes, n_features: int) -> Guards:
    dtypes = {**contrast_trees.ARRAY_DTYPES, **core_guards.ARRAY_DTYPES, **_GUARD_SCALARS}
    arrays = npz.read(data, dtypes, MAX_GUARDS_BYTES)
    (depth,) = arrays.pop("depth").tolist()
    (isolation_limit,) = arrays.pop("isolation_limit").tolist()
    of_trees = {name: arrays.pop(name) for name in contrast_trees.ARRAY_DTYPES}
    trees = ContrastTrees(n_features=n_features, depth=depth, **of_trees)
    return Guards(trees=trees, isolation_limit=isolation_limit, **arrays)


def decode_sample(manifest: Manifest, data: bytes) -> TelemetrySample:
    """Turn `sample.npz` back into readings; its hash is checked before a byte of it is parsed.

    Raises:
        DamagedModel: It is not what was published, or holds no readings of these features.
    """
    check_fingerprint(manifest, SAMPLE, len(data), hashlib.sha256(data).hexdigest())
    told = manifest.metadata
    try:
        arrays = npz.read(data, {"values": np.float64, "records": np.int64}, MAX_SAMPLE_BYTES)
        return TelemetrySample(arrays["values"].reshape(-1, told.n_features), arrays["records"])
    except ValueError as error:
        raise DamagedModel(told.model_name, told.model_version, f"{SAMPLE}: {error}") from error


def decode_report(manifest: Manifest, data: bytes) -> TrainingReport:
    """Turn `report.json` back into what was said of a training.

    Its hash is checked before a byte of it is parsed.

    Raises:
        DamagedModel: It is not what was published, or is no report.
    """
    check_fingerprint(manifest, REPORT, len(data), hashlib.sha256(data).hexdigest())
    told = manifest.metadata
    try:
        report = msgspec.json.decode(data, type=TrainingReport)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = f"{REPORT} is not readable: {error}"
        raise DamagedModel(told.model_name, told.model_version, reason) from error
    if len(report.features) != told.n_features:
        reason = f"{REPORT} tells of {len(report.features)} features: expected {told.n_features}"
        raise DamagedModel(told.model_name, told.model_version, reason)
    return report
