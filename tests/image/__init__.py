"""What the Dockerfile makes, without an engine."""
