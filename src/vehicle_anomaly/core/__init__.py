"""The domain: what telemetry, a forest and a model are, and the use cases on them. No I/O."""
