"""Environment variables → one typed value. The variables are named in upper case as the fields here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from vehicle_anomaly.core.fitting import Contamination, ForestParameters


class SettingsError(Exception):
    """An environment variable has a value that cannot be used; the message names it, in one line."""


class FilesystemStore(msgspec.Struct, frozen=True, tag_field="model_store", tag="filesystem"):
    """Models in a folder.

    Attributes:
        model_artifact_dir: The folder; made when it is not there.
    """

    model_artifact_dir: Path = Path("artifacts")


ModelStore = FilesystemStore
"""Where models are kept: a union, told apart by MODEL_STORE."""

_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Origin = Annotated[str, msgspec.Meta(pattern=r"^(\*|[a-z][a-z0-9+.-]*://[^/\s]+)$")]
_HostPattern = Annotated[str, msgspec.Meta(pattern=r"^(\*|(\*\.)?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])$")]

# What msgspec would say of these is no help to an operator.
_EXPECTED: Final = {
    "allowed_hosts": "hosts without a port such as api.example.org, *.example.org or *, separated by commas",
    "contamination": "auto, or a number above 0 and at most 0.5",
    "cors_origins": "origins such as https://app.example.org, or *, separated by commas",
    "log_level": "DEBUG, INFO, WARNING, ERROR or CRITICAL",
}


class Settings(msgspec.Struct, frozen=True):
    """What the environment says.

    Attributes:
        environment: Name of the deployment, told by `/` and `/health`.
        log_level: Least level that is logged.
        host: Address that `serve` listens on.
        port: Port that `serve` listens on; 0 takes a free one.
        cors_origins: Origins that browsers may call from, separated by commas; `*` for all.
        allowed_hosts: `Host` headers that are answered, whatever the port, separated by commas,
            `*.example.org` for subdomains; none set: all. Health checks are always answered.
        model_store: Where models are kept.
        model_refresh_seconds: How long a process may take the latest version it knows of for the latest.
        model_cache_size: Versions kept in memory.
        max_body_bytes: Largest body of a request.
        training_slots: Trainings that run at once.
        training_queue: Trainings that may wait for a slot; one more is answered 429.
        n_estimators: Trees of a forest.
        contamination: Share of the training readings taken as anomalous, or `auto`.
        random_state: Seed of a forest.
    """

    environment: Annotated[str, msgspec.Meta(min_length=1)] = "development"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    host: Annotated[str, msgspec.Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    cors_origins: tuple[_Origin, ...] = ()
    allowed_hosts: tuple[_HostPattern, ...] = ()
    model_store: ModelStore = FilesystemStore()
    model_refresh_seconds: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    model_cache_size: _Positive = 64
    max_body_bytes: _Positive = 32 * 1024 * 1024
    training_slots: _Positive = 1
    training_queue: Annotated[int, msgspec.Meta(ge=0)] = 32
    n_estimators: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    contamination: Annotated[float, msgspec.Meta(gt=0, le=0.5)] | Literal["auto"] = 0.05
    random_state: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 42

    @property
    def forest_parameters(self) -> ForestParameters:
        """How forests are grown."""
        contamination: Contamination = self.contamination
        return ForestParameters(self.n_estimators, contamination, self.random_state)


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the service's variables; one that is unset or empty has its default.

    Args:
        environ: Such as `os.environ`.

    Raises:
        SettingsError: A value cannot be used.
    """
    if environ.get("API_KEYS"):
        # Serving without checking the keys that somebody set would be worse than not serving.
        raise SettingsError(
            "API_KEYS: this version does not check keys yet; unset it and keep the port private"
        )
    values = {
        field.name: _value(environ, field.name, field.type)
        for field in msgspec.structs.fields(Settings)
        if field.name != "model_store" and environ.get(field.name.upper())
    }
    return Settings(model_store=_model_store(environ), **values)


def _model_store(environ: Mapping[str, str]) -> ModelStore:
    kind = environ.get("MODEL_STORE") or "filesystem"
    if kind != "filesystem":
        raise SettingsError(f"MODEL_STORE: expected filesystem, got {kind!r}")
    if not environ.get("MODEL_ARTIFACT_DIR"):
        return FilesystemStore()
    folder = Path(environ["MODEL_ARTIFACT_DIR"])
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"MODEL_ARTIFACT_DIR: expected a folder, got {str(folder)[:80]!r}, which is none")
    return FilesystemStore(folder)


def _value(environ: Mapping[str, str], name: str, kind: Any) -> Any:
    variable = name.upper()
    text = environ[variable].strip()
    given: Any = text
    if name in ("cors_origins", "allowed_hosts"):
        given = [item.strip() for item in text.split(",") if item.strip()]
    elif name == "log_level":
        given = text.upper()
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        expected = _EXPECTED.get(name) or _in_words(str(error))
        raise SettingsError(f"{variable}: expected {expected}, got {text[:80]!r}") from error


def _in_words(problem: str) -> str:
    """Turn "Expected `int` <= 65535" or "Expected `int`, got `str`" into what was expected."""
    if not problem.startswith("Expected "):
        return "a finite number"
    expected = problem.removeprefix("Expected ").partition(", got ")[0].replace("`", "")
    kind, _, bound = expected.partition(" ")
    words = {"int": "an integer", "float": "a number", "str": "a text"}
    return f"{words[kind]} {bound}".rstrip()
