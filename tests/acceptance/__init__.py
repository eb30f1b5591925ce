"""The feature files, through every driver and on every store."""
