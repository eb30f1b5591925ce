"""Tests of the core: no store, no network, no clock."""
