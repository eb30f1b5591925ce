"""The error that ends a command."""


class Failure(Exception):
    """A command could not do its work; the message says why, in one line."""


def failure_at(file: str, line: int, reason: str) -> Failure:
    """Return the failure to read one line of a file.

    Args:
        file: Name of the file.
        line: Physical line, from 1.
        reason: What is wrong there, in words that follow "file:line: ".
    """
    return Failure(f"{file}:{line}: {reason}")
