"""Findings of cdk-nag and of CloudFormation's own rules that stand, each with the reason why."""

from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Say of a construct, and what it is made of, why a rule's finding on it stands."""
    _acknowledge(construct, f"AwsSolutions::{rule}", reason)


def acknowledge_template(construct: IConstruct, rule: str, reason: str) -> None:
    """Say why a finding of CloudFormation's own rules on it stands."""
    _acknowledge(construct, f"CloudFormation-Validate::{rule}", reason)


def acknowledge_resources(construct: IConstruct, resources: str, reason: str) -> None:
    """Say of a policy why it names more than one resource.

    Args:
        construct: What has the policy.
        resources: An ARN with a wildcard; it may hold references.
        reason: Why.
    """
    written = _written(Stack.of(construct).resolve(resources))
    acknowledge(construct, f"AwsSolutions-IAM5[Resource::{written}]", reason)


def _acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def _written(resolved: Any) -> str:
    """Write references as cdk-nag does in the names of its findings."""
    match resolved:
        case str():
            return resolved
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_written, parts))
        case {"Fn::ImportValue": name}:
            return str(name)
        case {"Ref": name}:
            return f"<{name}>"
        case _:
            raise ValueError(f"cdk-nag's name for {resolved!r} is not known")
