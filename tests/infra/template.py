"""CloudFormation templates, asked by what resources are rather than by what they are called."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Templates:
    """The templates of one variant.

    Attributes:
        folder: Where they lie.
        stacks: Stack → template.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stacks: dict[str, dict[str, Any]] = {
            file.name.removesuffix(".template.json"): json.loads(file.read_text())
            for file in sorted(folder.glob("*.template.json"))
        }

    def resources(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the resources of a kind: logical id, to follow references by, and properties."""
        return [
            (
                name,
                {
                    "DeletionPolicy": resource.get("DeletionPolicy"),
                    "UpdateReplacePolicy": resource.get("UpdateReplacePolicy"),
                    **resource.get("Properties", {}),
                },
            )
            for template in self.stacks.values()
            for name, resource in template["Resources"].items()
            if resource["Type"] == kind
        ]

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Return the properties of the resources of a kind; there must be some."""
        found = [properties for _, properties in self.resources(kind)]
        assert found, f"there is no {kind}"
        return found

    def exports(self) -> dict[str, str]:
        """Return export → the logical id that it names."""
        named: dict[str, str] = {}
        for template in self.stacks.values():
            for output in template.get("Outputs", {}).values():
                if "Export" in output:
                    named[output["Export"]["Name"]] = target(output["Value"])
        return named

    def statements(self, role: str) -> list[dict[str, Any]]:
        """Return what the policies attached to a role say."""
        found: list[dict[str, Any]] = []
        for policy in self.all("AWS::IAM::Policy"):
            if {"Ref": role} in policy.get("Roles", []):
                found += policy["PolicyDocument"]["Statement"]
        return found

    def task(self, command: str, nth: int = 0) -> dict[str, Any]:
        """Return a task definition by what its service is told to do."""
        tasks = [t for t in self.all("AWS::ECS::TaskDefinition") if service(t)["Command"] == [command]]
        return tasks[nth]


def target(value: Any) -> str:
    """Return the logical id that a reference names."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
        case _:
            raise ValueError(f"no reference: {value!r}")


def flat(value: Any) -> str:
    """Write a value with what it refers to in angle brackets."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(flat, parts))
        case {"Fn::ImportValue": name}:
            return f"<{name}>"
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case _:
            return str(value)


def container(task: dict[str, Any], name: str) -> dict[str, Any]:
    """Return one of a task's containers."""
    (found,) = (c for c in task["ContainerDefinitions"] if c["Name"] == name)
    return dict(found)


def service(task: dict[str, Any]) -> dict[str, Any]:
    """Return the service's own container."""
    return container(task, "service")


def variables(found: dict[str, Any]) -> dict[str, str]:
    """Return what a container's environment says."""
    return {pair["Name"]: flat(pair["Value"]) for pair in found["Environment"]}


def actions(statements: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield each action that statements allow, with each resource that they allow it on."""
    for statement in statements:
        assert statement["Effect"] == "Allow"
        allowed, on = statement["Action"], statement["Resource"]
        for action in [allowed] if isinstance(allowed, str) else allowed:
            for resource in on if isinstance(on, list) else [on]:
                yield action, flat(resource)
