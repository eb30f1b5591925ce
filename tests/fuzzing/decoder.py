"""What is fuzzed: something that reads bytes from outside, how it may refuse them, and what to begin with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decoder:
    """Reads bytes of one kind.

    Attributes:
        decode: Reads them.
        refusals: What it raises by design; anything else is a fault.
        seeds: Bytes that are right, or nearly so, to be changed from there.
    """

    decode: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    seeds: Sequence[bytes]

    def feed(self, data: bytes) -> bool:
        """Let it read bytes; return whether it took them.

        Raises:
            Exception: A fault.
        """
        try:
            self.decode(data)
        except self.refusals:
            return False
        return True
