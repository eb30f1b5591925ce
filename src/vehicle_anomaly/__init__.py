"""Learns what normal vehicle telemetry looks like and scores new readings against it."""

from importlib.metadata import version

__version__ = version("vehicle-anomaly")
