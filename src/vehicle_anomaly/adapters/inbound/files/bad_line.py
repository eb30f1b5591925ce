"""The line of a file that cannot be read as telemetry."""


class BadLine(Exception):
    """One line of a file is no reading, or does not fit the model; the message is one line.

    Attributes:
        file: Name of the file.
        line: Physical line, from 1.
        reason: What is wrong there, in words that follow "file:line: ".
    """

    def __init__(self, file: str, line: int, reason: str) -> None:
        self.file = file
        self.line = line
        self.reason = reason
        super().__init__(f"{file}:{line}: {reason}")
