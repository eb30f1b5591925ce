"""Examples in help texts."""


def examples(*lines: str) -> str:
    """Return an epilog of a command, one example a line."""
    # click fills paragraphs up, but for those that begin with this character.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
