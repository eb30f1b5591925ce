"""Tests of the queue worker, over the wire."""
