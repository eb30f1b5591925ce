"""What a key may do."""

from enum import StrEnum


class KeyScope(StrEnum):
    """One kind of call."""

    SCORE = "score"
    TRAIN = "train"
    MODELS_READ = "models:read"
    MODELS_WRITE = "models:write"
    METRICS = "metrics"
