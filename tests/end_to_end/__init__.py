"""The real command on real data, as people run it."""
