"""Fuzzing of whatever reads what comes from outside."""
