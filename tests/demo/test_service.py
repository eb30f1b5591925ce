"""The service is started, watched and always stopped."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from vehicle_anomaly.demo.service import ServiceFailed, environment, running_service

LISTENING = json.dumps({"event": "listening", "url": "http://127.0.0.1:9"})


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def listening(then: str) -> tuple[str, ...]:
    """A program that says its process id and that it listens."""
    return program(
        f"import os, signal, sys, time\nprint('not JSON', file=sys.stderr)\nprint('7', file=sys.stderr)\n"
        f"open(os.environ['MODEL_ARTIFACT_DIR'] + '/pid', 'w').write(str(os.getpid()))\n"
        f"print({LISTENING!r}, file=sys.stderr, flush=True)\n{then}"
    )


def pid(store: Path) -> int:
    return int((store / "pid").read_text())


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_address_is_the_one_that_the_service_logs(tmp_path: Path) -> None:
    with running_service(tmp_path, listening("signal.pause()")) as url:
        assert url == "http://127.0.0.1:9"
        assert is_running(pid(tmp_path))

    assert not is_running(pid(tmp_path))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_service_is_stopped_however_the_block_is_left(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), running_service(tmp_path, listening("signal.pause()")):
        raise error

    assert not is_running(pid(tmp_path))


def test_a_service_that_logs_a_lot_is_not_held_up(tmp_path: Path) -> None:
    noise = (
        "for _ in range(5000): print('x' * 100, file=sys.stderr)\n"
        "open(os.environ['MODEL_ARTIFACT_DIR'] + '/done', 'w').close()"
    )

    with running_service(tmp_path, listening(noise)):
        os.waitid(os.P_PID, pid(tmp_path), os.WEXITED | os.WNOWAIT)

    assert (tmp_path / "done").exists()


def test_a_service_that_ends_at_once_is_told_with_what_it_said_last(tmp_path: Path) -> None:
    dies = program("import sys; sys.exit('PORT: expected a number')")

    with (
        pytest.raises(ServiceFailed, match=r"ended before it listened.*\n.*PORT: expected a number"),
        running_service(tmp_path, dies),
    ):
        pytest.fail("there is no service")


def test_a_service_that_dies_while_it_is_needed_is_told_instead_of_the_broken_connection(
    tmp_path: Path,
) -> None:
    def use() -> NoReturn:
        with running_service(tmp_path, listening("signal.pause()")):
            os.kill(pid(tmp_path), signal.SIGKILL)
            raise ConnectionError("broken")

    with pytest.raises(ServiceFailed, match="ended while it was needed") as failure:
        use()

    assert isinstance(failure.value.__cause__, ConnectionError)


def test_an_error_of_the_block_stays_its_own_while_the_service_lives(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError), running_service(tmp_path, listening("signal.pause()")):
        raise ConnectionError("broken")


def test_the_service_is_cut_off_from_any_deployment(tmp_path: Path) -> None:
    deployed = {
        "API_KEYS": "secret",
        "MODEL_ARTIFACT_DIR": "/srv/models",
        "MODEL_BUCKET": "fleet",
        "MODEL_STORE": "s3",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector",
        "PATH": "/usr/bin",
        "PORT": "80",
    }

    assert environment(deployed, tmp_path) == {
        "AUTH": "off",
        "ENVIRONMENT": "demo",
        "HOST": "127.0.0.1",
        "LOG_LEVEL": "INFO",
        "MODEL_ARTIFACT_DIR": str(tmp_path),
        "MODEL_STORE": "filesystem",
        "PATH": "/usr/bin",
        "PORT": "0",
    }
