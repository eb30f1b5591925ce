"""What is said of an error of AWS's: what was asked for and which error, never the words that came with it.

Those repeat what was asked: `SignatureDoesNotMatch` tells the canonical request, with the session's token.
"""

from botocore.exceptions import ClientError


def told(error: Exception) -> str:
    """Return what the log may say of an error."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response.get('Error', {}).get('Code', 'unknown')}"
    return type(error).__name__
