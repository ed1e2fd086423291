"""What-if questions: would these policies, or this user's or role's, allow these actions?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse import policy
from poolhouse.access import documents, iam_users, names, roles
from poolhouse.api.iam import resources, views
from poolhouse.api.registry import Answer, operation
from poolhouse.core import runtime
from poolhouse.core.errors import InvalidInput, MalformedPolicyDocument, NoSuchEntity
from poolhouse.policy import Decision, Effect, Lacking, Policy, PolicyError, Principal
from poolhouse.policy.lint import Kind

_SERVICE = "iam"
_ORGANIZATIONS = "one account, no organization above it"
_HANDLING = "of EC2's actions alone"
_SHOWN = {
    Effect.ALLOW: "allowed", Effect.EXPLICIT_DENY: "explicitDeny", Effect.IMPLICIT_DENY: "implicitDeny",
}  # fmt: skip


@operation(
    "SimulateCustomPolicy",
    service=_SERVICE,
    ignores={
        "OrderedOrganizationPolicyInputList": _ORGANIZATIONS,
        "ResourceHandlingOption": _HANDLING,
        "ResourceOwner": "resources are the account's own",
    },
)
def simulate_custom_policy(
    *,
    policy_input_list: Sequence[str],
    action_names: Sequence[str],
    resource_arns: Sequence[str] = (),
    permissions_boundary_policy_input_list: Sequence[str] = (),
    resource_policy: str | None = None,
    caller_arn: str | None = None,
    context_entries: Sequence[Mapping[str, Any]] = (),
    max_items: int | None = None,
    marker: str | None = None,
) -> Answer:
    given = _given(policy_input_list)
    boundary = _boundary(permissions_boundary_policy_input_list, None)
    asked = _Asked(given, boundary, caller_arn, resource_policy, context_entries)
    return asked.answer(action_names, resource_arns, marker, max_items)


@operation(
    "SimulatePrincipalPolicy",
    service=_SERVICE,
    resource=resources.source,
    ignores={
        "PolicyExclusionList": "all policies of the principal count",
        "ResourceHandlingOption": _HANDLING,
        "ResourceOwner": "resources are the account's own",
    },
)
def simulate_principal_policy(
    *,
    policy_source_arn: str,
    action_names: Sequence[str],
    policy_input_list: Sequence[str] = (),
    permissions_boundary_policy_input_list: Sequence[str] = (),
    resource_arns: Sequence[str] = (),
    resource_policy: str | None = None,
    caller_arn: str | None = None,
    context_entries: Sequence[Mapping[str, Any]] = (),
    max_items: int | None = None,
    marker: str | None = None,
) -> Answer:
    held, bounds = _held(policy_source_arn)
    boundary = _boundary(permissions_boundary_policy_input_list, bounds)
    everything = (*held, *_given(policy_input_list))
    asked = _Asked(everything, boundary, caller_arn or policy_source_arn, resource_policy, context_entries)
    return asked.answer(action_names, resource_arns, marker, max_items)


class _Asked:
    """One question: the policies, whose they are, and the circumstances."""

    def __init__(
        self,
        policies: Sequence[Policy],
        boundary: Policy | None,
        caller_arn: str | None,
        resource_policy: str | None,
        entries: Sequence[Mapping[str, Any]],
    ) -> None:
        self.policies, self.boundary = policies, boundary
        self.of_resource = (_parsed(resource_policy, "ResourcePolicy", "resource"),) if resource_policy else ()
        self.context = _context(entries)
        account = runtime.current().settings.account_id
        arn = caller_arn or names.arn("user", "/", "simulated")
        self.principal = Principal(arn, account=account, role=arn if ":role/" in arn else "")
        if caller_arn and not any(key.lower() == "aws:principalarn" for key in self.context):
            self.context["aws:PrincipalArn"] = caller_arn

    def answer(
        self, actions: Sequence[str], resource_arns: Sequence[str], marker: str | None, max_items: int | None
    ) -> Answer:
        """Every action held against every resource, in the order in which they were given."""
        numbered = [
            (f"{number:06d}", action, resource)
            for number, (action, resource) in enumerate(
                (action, resource) for action in actions for resource in (resource_arns or ("*",))
            )
        ]
        return views.page(
            "simulation", "EvaluationResults", numbered, lambda each: each[0], marker, max_items,
            lambda each: self._result(each[1], each[2]),
        )  # fmt: skip

    def _result(self, action: str, resource: str) -> Answer:
        try:
            request = policy.Request(action, resource, self.context, self.principal, self.principal.account)
        except PolicyError as unreadable:
            raise InvalidInput(str(unreadable)) from None
        made = policy.decide(request, self.policies, resource_policies=self.of_resource, boundary=self.boundary)
        shown: Answer = {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": _SHOWN[made.effect],
            "MatchedStatements": [_statement(each) for each in made.statements if each.layer != "boundary"],
            "MissingContextValues": self._missing(),
        }
        if self.boundary is not None:
            allowed = made.allowed or (made.lacking is not Lacking.BOUNDARY and not _denied_by_boundary(made))
            shown["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
        return shown

    def _missing(self) -> list[str]:
        known = {key.lower() for key in self.context}
        bearing = (*self.policies, *self.of_resource, *((self.boundary,) if self.boundary else ()))
        return sorted(frozenset().union(*(each.context_keys for each in bearing)) - known)


def _statement(found: policy.Responsible) -> Answer:
    kind = "resource" if found.layer == "resource" else "none"
    return {"SourcePolicyId": f"{found.policy}.{found.sid or found.index}", "SourcePolicyType": kind}


def _denied_by_boundary(made: Decision) -> bool:
    return made.effect is Effect.EXPLICIT_DENY and any(each.layer == "boundary" for each in made.statements)


def _held(arn: str) -> tuple[tuple[Policy, ...], Policy | None]:
    """The policies and the boundary of a user or a role. Raises NoSuchEntity, InvalidInput."""
    kind, _, rest = arn.partition(":iam::")[2].partition(":")[2].partition("/")
    name = rest.rpartition("/")[2]
    if kind == "role":
        role = roles.get(arn)
        return role.policies, role.boundary
    if kind != "user":
        raise InvalidInput(f"Invalid Entity Arn: {arn:.200} does not clearly define entity type and name.")
    row = iam_users.row(name)
    if names.arn("user", row.path, row.name) != arn:
        raise NoSuchEntity(f"The user with name {name} cannot be found.")
    try:
        return iam_users.permissions(name)
    except PolicyError as broken:
        raise InvalidInput(f"A policy of user {name} cannot be read: {broken}") from None


def _given(texts: Sequence[str]) -> tuple[Policy, ...]:
    return tuple(_parsed(text, f"PolicyInputList.{number}", "identity") for number, text in enumerate(texts, 1))


def _boundary(texts: Sequence[str], held: Policy | None) -> Policy | None:
    if len(texts) > 1:
        raise InvalidInput("At most one permissions boundary can be given.")
    return _parsed(texts[0], "PermissionsBoundaryPolicyInputList.1", "identity") if texts else held


def _parsed(text: str, name: str, kind: Kind) -> Policy:
    try:
        return documents.compile_(text, name=name, kind=kind)
    except MalformedPolicyDocument as fault:
        raise InvalidInput(f"{name}: {fault}") from None


def _context(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entries:
        name, values = entry.get("ContextKeyName", ""), list(entry.get("ContextKeyValues", ()))
        if not name or name.lower() in {key.lower() for key in found}:
            raise InvalidInput("Every context entry has a ContextKeyName of its own.")
        found[name] = values
    return found
