"""Tests of what only one store does."""
