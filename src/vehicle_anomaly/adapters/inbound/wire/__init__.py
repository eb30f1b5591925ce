"""What callers send and get: one set of message types for every driver."""
