"""Environment variables."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from vehicle_anomaly.settings import FilesystemStore, Settings, SettingsError, load_settings


def test_nothing_set() -> None:
    assert load_settings({}) == Settings()
    assert load_settings({"PATH": "/bin", "UNRELATED": "1"}) == Settings()


def test_what_is_empty_has_its_default() -> None:
    variables = [field.name.upper() for field in msgspec.structs.fields(Settings)]
    assert load_settings(dict.fromkeys([*variables, "MODEL_ARTIFACT_DIR", "API_KEYS"], "")) == Settings()


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("ENVIRONMENT", "production", "production"),
        ("API_KEYS", "/run/secrets/keys.json", "/run/secrets/keys.json"),
        ("AUTH", "on", "on"),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("HOST", "::", "::"),
        ("PORT", " 0 ", 0),
        ("PORT", "65535", 65535),
        ("CORS_ORIGINS", "*", ("*",)),
        (
            "CORS_ORIGINS",
            " https://a.example, http://b.example:3000 ,",
            ("https://a.example", "http://b.example:3000"),
        ),
        ("ALLOWED_HOSTS", "a.example,*.b.example,[::1],*", ("a.example", "*.b.example", "[::1]", "*")),
        ("MODEL_REFRESH_SECONDS", "0", 0.0),
        ("MODEL_REFRESH_SECONDS", "2.5", 2.5),
        ("MODEL_CACHE_SIZE", "1", 1),
        ("MAX_BODY_BYTES", "1048576", 1048576),
        ("MAX_RECORDS", "5000", 5000),
        ("MAX_FEATURES", "64", 64),
        ("MAX_LINE_BYTES", "65536", 65536),
        ("MAX_NESTING", "4", 4),
        ("SCORING_THREADS", "3", 3),
        ("TRAINING_SLOTS", "2", 2),
        ("TRAINING_QUEUE", "0", 0),
        ("N_ESTIMATORS", "100", 100),
        ("CONTAMINATION", "auto", "auto"),
        ("CONTAMINATION", "0.5", 0.5),
        ("RANDOM_STATE", "0", 0),
        ("AUTO_PROMOTE", "false", False),
        ("AUTO_PROMOTE", "true", True),
        ("EXPLAIN", "never", "never"),
        ("EXPLAIN", "always", "always"),
        ("GUARDS", "off", "off"),
        ("FALSE_ALARM_RATE", "0.0001", 0.0001),
    ],
)
def test_a_value(variable: str, text: str, value: Any) -> None:
    assert load_settings({variable: text}) == msgspec.structs.replace(Settings(), **{variable.lower(): value})


def test_guards_are_on_until_they_are_turned_off() -> None:
    rate = load_settings({"FALSE_ALARM_RATE": "0.02"}).guard_parameters
    assert rate is not None
    assert rate.false_alarm_rate == 0.02
    off = load_settings({"GUARDS": "off", "FALSE_ALARM_RATE": "0.02"})
    assert (off.guarded, off.guard_parameters) == (False, None)


def test_the_store() -> None:
    settings = load_settings({"MODEL_STORE": "filesystem", "MODEL_ARTIFACT_DIR": "/srv/models"})
    assert settings.model_store == FilesystemStore(Path("/srv/models"))


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("ENVIRONMENT", " ", "a text of length >= 1"),
        ("ENVIRONMENT", "caf\udce9", "UTF-8"),
        ("PORT", "80\udcff", "UTF-8"),
        ("AUTH", "no", "on or off"),
        ("LOG_LEVEL", "loud", "DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        ("HOST", " ", "a text of length >= 1"),
        ("PORT", "x", "an integer"),
        ("PORT", "80.5", "an integer"),
        ("PORT", "-1", "an integer >= 0"),
        ("PORT", "65536", "an integer <= 65535"),
        ("CORS_ORIGINS", "app.example.org", "origins such as"),
        ("CORS_ORIGINS", "https://app.example.org/", "origins such as"),
        ("CORS_ORIGINS", "https://a.example https://b.example", "origins such as"),
        ("ALLOWED_HOSTS", "api.example.org:8000", "hosts without a port"),
        ("ALLOWED_HOSTS", "https://api.example.org", "hosts without a port"),
        ("ALLOWED_HOSTS", "api.*.org", "hosts without a port"),
        ("MODEL_STORE", "floppy", "filesystem"),
        ("MODEL_REFRESH_SECONDS", "soon", "a number"),
        ("MODEL_REFRESH_SECONDS", "-1", "a number >= 0.0"),
        ("MODEL_REFRESH_SECONDS", "nan", "a number >= 0.0"),
        ("MODEL_REFRESH_SECONDS", "1e400", "a finite number"),
        ("MODEL_CACHE_SIZE", "0", "an integer >= 1"),
        ("MAX_BODY_BYTES", "32M", "an integer"),
        ("MAX_RECORDS", "0", "an integer >= 1"),
        ("MAX_FEATURES", "4097", "an integer <= 4096"),
        ("MAX_LINE_BYTES", "100", "an integer >= 1024"),
        ("MAX_NESTING", "3", "an integer >= 4"),
        ("MAX_NESTING", "501", "an integer <= 500"),
        ("MAX_LINE_BYTES", "4194305", "an integer <= 4194304"),
        ("TRAINING_SLOTS", "0", "an integer >= 1"),
        ("TRAINING_QUEUE", "-1", "an integer >= 0"),
        ("N_ESTIMATORS", "0", "an integer >= 1"),
        ("EXPLAIN", "sometimes", "anomalies, always or never"),
        ("GUARDS", "maybe", "on or off"),
        ("FALSE_ALARM_RATE", "0", "a number from 0.0001 to 0.5"),
        ("CONTAMINATION", "0", "auto, or a number above 0 and at most 0.5"),
        ("CONTAMINATION", "0.6", "auto, or a number above 0 and at most 0.5"),
        ("CONTAMINATION", "nan", "auto, or a number above 0 and at most 0.5"),
        ("RANDOM_STATE", str(2**32), f"an integer <= {2**32 - 1}"),
    ],
)
def test_a_wrong_value_is_told_in_one_line_that_names_the_variable(
    variable: str, text: str, expected: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({variable: text})
    told = str(raised.value)
    assert told.startswith(f"{variable}: expected {expected}")
    assert told.endswith(f", got {text.strip()!r}")
    assert "\n" not in told


def test_a_long_wrong_value_is_cut() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({"PORT": "x\n" * 1000})
    assert len(str(raised.value)) < 200
    assert "\n" not in str(raised.value)


def test_the_delay_is_a_part_of_the_drain() -> None:
    with pytest.raises(
        SettingsError, match=r"^SHUTDOWN_DELAY_SECONDS: expected less than DRAIN_SECONDS, 5, "
    ):
        load_settings({"SHUTDOWN_DELAY_SECONDS": "5", "DRAIN_SECONDS": "5"})
    settings = load_settings({"SHUTDOWN_DELAY_SECONDS": "4.5", "DRAIN_SECONDS": "5"})
    assert settings.shutdown_delay_seconds == 4.5


def test_there_is_room_for_one_body_of_the_largest() -> None:
    with pytest.raises(
        SettingsError, match=r"^MAX_BODIES_BYTES: expected no less than MAX_BODY_BYTES, 100, got 99$"
    ):
        load_settings({"MAX_BODIES_BYTES": "99", "MAX_BODY_BYTES": "100"})
    assert load_settings({"MAX_BODIES_BYTES": "100", "MAX_BODY_BYTES": "100"}).bodies_bytes == 100
    assert load_settings({"MAX_BODY_BYTES": str(2**31)}).bodies_bytes == 2**31
    assert load_settings({}).bodies_bytes == 2**30


def test_the_parameters_of_forests() -> None:
    parameters = load_settings({"N_ESTIMATORS": "7", "CONTAMINATION": "auto", "RANDOM_STATE": "3"})
    told = parameters.forest_parameters
    assert (told.n_estimators, told.contamination, told.random_state) == (7, "auto", 3)
