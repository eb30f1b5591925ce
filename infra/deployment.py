"""`python -m infra.deployment`: what `cdk` is to be given, one word a line, from a deployment's variables.

The words are made of the one list of context keys: a key that the app knows can be said by its variable.
"""

import os
import sys
from collections.abc import Mapping
from typing import Final

from infra.context import KEYS, ContextError, read_context

VARIABLES: Final = {key: key.upper() for key in KEYS} | {
    # What AWS's own tools read and say.
    "account": "AWS_ACCOUNT_ID",
    "region": "AWS_REGION",
}
"""Context key → the environment variable that says it; one that is not set, or empty, says nothing."""


def context_words(environ: Mapping[str, str]) -> list[str]:
    """Return the words of `cdk`'s command line that say the context.

    Raises:
        ContextError: A variable is missing, malformed or contradicts another; the message names it.
    """
    given = {key: environ[name] for key, name in VARIABLES.items() if environ.get(name)}
    try:
        read_context(given, {})
    except ContextError as error:
        key, _, rest = str(error).partition(":")
        raise ContextError(f"{VARIABLES[key]}:{rest}") from error
    _check_address(environ)
    return [word for key, value in given.items() for word in ("--context", f"{key}={value}")]


def _check_address(environ: Mapping[str, str]) -> None:
    """Refuse what would only show after the deployment, when nobody could ask it whether it lives."""
    address = environ.get("SERVICE_URL", "")
    certificate, hosts = environ.get("CERTIFICATE_ARN"), environ.get("ALLOWED_HOSTS", "*")
    if certificate and not address.startswith("https://"):
        raise ContextError(
            "SERVICE_URL: expected the address that CERTIFICATE_ARN is for, such as https://api.example.org, "
            f"since the load balancer's own name is not in the certificate, got {address[:80]!r}."
        )
    if hosts not in {"", "*"} and not address:
        raise ContextError(
            "SERVICE_URL: expected an address whose host ALLOWED_HOSTS lets in, such as "
            "http://api.example.org, since the load balancer's own name is not among them, got none."
        )


def main() -> int:
    """Print the words; return the exit status."""
    try:
        words = context_words(os.environ)
    except ContextError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    print("\n".join(words))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
