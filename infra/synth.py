"""`python -m infra.synth FOLDER`: both environments, with and without a certificate, offline."""

import sys
from pathlib import Path
from typing import Final

from infra.context import read_context
from infra.javascript import use_bundled_node

_ACCOUNT: Final = "123456789012"
_REGION: Final = "eu-central-1"
_CERTIFICATE: Final = f"arn:aws:acm:{_REGION}:{_ACCOUNT}:certificate/01234567-89ab-cdef-0123-456789abcdef"
_LOGIN: Final = f"arn:aws:secretsmanager:{_REGION}:{_ACCOUNT}:secret:vehicle-anomaly/registry-a1B2c3"

VARIANTS: Final[dict[str, dict[str, str]]] = {
    "dev": {"environment": "dev"},
    "dev-https": {"environment": "dev", "certificate_arn": _CERTIFICATE},
    "prod": {"environment": "prod"},
    "prod-https": {
        "environment": "prod",
        "certificate_arn": _CERTIFICATE,
        "allowed_hosts": "api.example.org",
        "cors_origins": "https://app.example.org",
        "alarm_email": "oncall@example.org",
        "revision": "0" * 40,
        "image_credentials_arn": _LOGIN,
    },
}
"""What is synthesised, checked and compared: name → context."""


def main() -> None:
    """Write the templates of each variant into a folder of its name."""
    use_bundled_node()
    from infra.app import build  # noqa: PLC0415

    folder = Path(sys.argv[1])
    place = {
        "account": _ACCOUNT,
        "region": _REGION,
        "image_uri": "ghcr.io/example/vehicle-anomaly:0000000",
    }
    for name, given in VARIANTS.items():
        build(read_context({**place, **given}, {}), str(folder / name)).synth()


if __name__ == "__main__":
    main()
