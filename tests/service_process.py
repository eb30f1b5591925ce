"""The real command `vehicle-anomaly serve`, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread


@contextmanager
def service_process(store: Path, **variables: str) -> Iterator[str]:
    """Serve a store on a free port while the block runs; yield the address.

    Args:
        store: Folder of the models.
        variables: Further environment variables.
    """
    environment = {**os.environ, "PORT": "0", "MODEL_ARTIFACT_DIR": str(store), **variables}
    command = [sys.executable, "-m", "vehicle_anomaly", "serve"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        log: list[str] = []
        url = ""
        for line in process.stderr:
            log.append(line)
            event = json.loads(line)
            if event["event"] == "listening":
                url = event["url"]
                break
        assert url, "".join(log)
        # Read on, or the service would stand still once the pipe is full.
        drain = Thread(target=log.extend, args=(process.stderr,))
        drain.start()
        try:
            yield url
        finally:
            process.terminate()
            drain.join()
            assert process.wait() == 0, "".join(log)
