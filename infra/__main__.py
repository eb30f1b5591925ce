"""`python -m infra`: what `cdk` runs, and says its context to in CDK_CONTEXT_JSON."""

import json
import os
import sys

from infra.context import ContextError, read_context
from infra.javascript import use_bundled_node


def main() -> int:
    """Synthesise where the CDK's command line says; return the exit status."""
    try:
        context = read_context(json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}")), os.environ)
    except ContextError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    # Not before the context is right: it takes seconds to load.
    use_bundled_node()
    from infra.app import build  # noqa: PLC0415

    build(context).synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
