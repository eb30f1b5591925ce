"""The service's application as a name that any ASGI server imports: `tests.benchmarks.served:app`."""

import os

from vehicle_anomaly.container import Container
from vehicle_anomaly.observability import configure_logging
from vehicle_anomaly.settings import load_settings

_settings = load_settings(os.environ)
configure_logging(_settings.log_level)
app = Container(settings=_settings).http_app()
