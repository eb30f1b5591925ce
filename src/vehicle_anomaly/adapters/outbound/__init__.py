"""Driven: where models are kept, and the clock."""
