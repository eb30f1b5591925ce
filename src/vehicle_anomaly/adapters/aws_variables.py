"""What adapters on AWS read from the environment, beside boto3, and what they say of it."""

import os
from typing import Final
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    InvalidRegionError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

_REGION: Final = "AWS_REGION (without it AWS_DEFAULT_REGION, or the region of the profile)"
_SUBJECTS: Final[dict[type[BotoCoreError], str]] = {
    NoRegionError: "no region is set: set AWS_REGION, for example to eu-central-1",
    InvalidRegionError: f"{_REGION} is no region, such as eu-central-1",
    ProfileNotFound: "AWS_PROFILE names no profile",
    PartialCredentialsError: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together",
}


def region() -> str | None:
    """Return the region that a client is made for; None leaves it to boto3.

    boto3 itself reads AWS_DEFAULT_REGION only; Amazon's other SDKs, and its containers, set AWS_REGION.
    """
    return os.environ.get("AWS_REGION") or None


def is_amazon(endpoint: str) -> bool:
    """Return whether an endpoint is Amazon's own."""
    return (urlsplit(endpoint).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))


def what_to_set(error: BotoCoreError | ValueError) -> str:
    """Say which variable is at fault when no client can be made, and what boto3 says of it."""
    for kind, subject in _SUBJECTS.items():
        if isinstance(error, kind):
            return f"{subject}: {error}"
    # botocore's only word for it: there is no class of its own.
    if str(error).startswith("Invalid endpoint"):
        return f"AWS_ENDPOINT_URL (or its form for one service, AWS_ENDPOINT_URL_…) is no address: {error}"
    return f"a variable AWS_…, or a file of boto3's, cannot be used: {error}"
