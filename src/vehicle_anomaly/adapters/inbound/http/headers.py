"""Single headers of a request, without parsing all of them."""

from litestar.types import HTTPScope


def header(scope: HTTPScope, name: bytes, default: str) -> str:
    """Return the first header of a name, or the default.

    Args:
        scope: Of the request; ASGI gives its names in lower case, its values in Latin-1.
        name: In lower case.
        default: For a request without.
    """
    for given, value in scope["headers"]:
        if given == name:
            return value.decode("latin-1")
    return default
