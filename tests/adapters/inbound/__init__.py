"""Tests of what drives the core."""
