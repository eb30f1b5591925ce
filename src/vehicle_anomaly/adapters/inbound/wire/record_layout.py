"""What the scanners of records share: where they put what, how they end, what they take at most."""

from typing import Final

from vehicle_anomaly.adapters.inbound.wire.readings import MAX_RECORD_BYTES
from vehicle_anomaly.core.telemetry import MAX_FEATURE, MAX_VEHICLE_ID_LENGTH

# What a scan ends with.
DONE: Final = 0
FULL: Final = 1
ODD: Final = 2

# Places in what they keep between calls.
AT: Final = 0
"""Position they go on from."""
ROW: Final = 1
"""Row they fill next."""
LINES: Final = 2
"""Lines that they have passed."""
N_STATE: Final = 3

# Columns of `spans`.
ID_FROM: Final = 0
ID_TO: Final = 1
TIME_FROM: Final = 2
TIME_TO: Final = 3
N_SPANS: Final = 4

# Compiled code takes numbers of modules, not of what they import.
MAX_ID: Final = MAX_VEHICLE_ID_LENGTH
MAX_VALUE: Final = MAX_FEATURE
MAX_BYTES: Final = MAX_RECORD_BYTES
"""Of a record."""

# What a record has had so far.
HAS_ID: Final = 1
HAS_TIME: Final = 2
HAS_VALUES: Final = 4
HAS_ALL: Final = 7

# Names are looked for where they stood in the record before, then from there on: this bounds how far.
MORE_STEPS: Final = 64
STEPS_PER_COLUMN: Final = 8
