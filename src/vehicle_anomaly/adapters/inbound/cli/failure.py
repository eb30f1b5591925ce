"""The error that ends a command."""


class Failure(Exception):
    """A command could not do its work; the message says why, in one line."""
