"""The service's own settings → what its container is told. One that is renamed fails here, at synthesis."""

import msgspec

from vehicle_anomaly.settings import FilesystemStore, Settings

NOT_TOLD = frozenset({"api_keys", "model_signing_key"})
"""Settings that come from Secrets Manager: a template can be read by many."""


def container_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that make `load_settings` say the same; what is as by default is left out."""
    variables: dict[str, str] = {}
    defaults = Settings()
    for field in msgspec.structs.fields(Settings):
        value = getattr(settings, field.name)
        if field.name == "model_store":
            variables |= _model_store(value)
        elif field.name not in NOT_TOLD and value != getattr(defaults, field.name):
            variables[field.name.upper()] = _text(value)
    return variables


def _model_store(store: msgspec.Struct) -> dict[str, str]:
    if store == FilesystemStore():
        return {}
    config = store.__struct_config__
    variables = {str(config.tag_field).upper(): str(config.tag)}
    for field in msgspec.structs.fields(store):
        if value := getattr(store, field.name):
            variables[field.name.upper()] = str(value)
    return variables


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)
