"""A policy, parsed and compiled once, so that a question costs microseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .condition import Condition
from .errors import MalformedPolicy
from .lint import Kind, lint
from .patterns import PatternSet
from .principal import Named, Principal, PrincipalSet
from .reading import Document, read
from .request import Request
from .values import text_of
from .variables import WITHOUT_VARIABLES, scan, variables


@dataclass(frozen=True, slots=True)
class Statement:
    """One compiled statement; `index` is its place in the document, `sid` may be empty."""

    index: int
    sid: str
    allows: bool
    actions: PatternSet
    not_action: bool
    resources: PatternSet | None
    not_resource: bool
    principals: PrincipalSet | None
    not_principal: bool
    conditions: tuple[Condition, ...]
    context_keys: frozenset[str]

    def applies(self, request: Request) -> bool:
        """Return whether action, resource and circumstances are the statement's; `named` tells about the caller."""
        if self.actions.matches(request.folded_action, request.keys) is self.not_action:
            return False
        if self.resources is not None and not self._covers(self.resources, request):
            return False
        for condition in self.conditions:  # noqa: SIM110  a generator would cost more than most conditions
            if not condition.holds(request.keys):
                return False
        return True

    def _covers(self, resources: PatternSet, request: Request) -> bool:
        if resources.matches(request.resource, request.keys) is self.not_resource:
            return False
        # "All but ${x}" without an x is not "all": the exception is unknown, so nothing can be allowed by it.
        return not (self.not_resource and self.allows and resources.unfinished(request.keys))

    def named(self, principal: Principal) -> Named:
        """Return how closely the statement names the caller; one without a principal names nobody."""
        if self.principals is None:
            return Named.NO
        if not self.not_principal:
            return self.principals.named(principal)
        return Named.NO if self.principals.excludes(principal, deny=not self.allows) else principal.by_wildcard

    def mismatch(self, request: Request) -> str:
        """Return the element on account of which the statement does not apply, or "" when it does."""
        if self.actions.matches(request.folded_action, request.keys) is self.not_action:
            return "NotAction" if self.not_action else "Action"
        if self.resources is not None and not self._covers(self.resources, request):
            return "NotResource" if self.not_resource else "Resource"
        if self.principals is not None and self.named(request.principal) is Named.NO:
            return "NotPrincipal" if self.not_principal else "Principal"
        for condition in self.conditions:
            if not condition.holds(request.keys):
                return f"Condition.{condition.operator}[{condition.key}]"
        return ""


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled policy; `name` is how decisions refer to it."""

    name: str
    version: str
    id: str
    statements: tuple[Statement, ...]

    @property
    def context_keys(self) -> frozenset[str]:
        """The keys that the policy asks about, in conditions and variables, in lower case."""
        return frozenset().union(*(statement.context_keys for statement in self.statements))


def parse(document: Document, *, name: str = "", kind: Kind = "any") -> Policy:
    """Compile a document, given as text or as data. Raises MalformedPolicy with every error that `lint` finds.

    >>> parse('{"Version": "2012-10-17", "Statement": []}')
    Traceback (most recent call last):
    poolhouse.policy.errors.MalformedPolicy: $.Statement: must hold a statement; an empty list does not
    """
    data = read(document)
    errors = tuple(fault for fault in lint(data, kind=kind) if fault.severity == "error")
    if errors:
        raise MalformedPolicy(errors)
    version = data.get("Version", WITHOUT_VARIABLES)
    statements = data["Statement"]
    listed = statements if isinstance(statements, list | tuple) else [statements]
    compiled = tuple(_compile(index, statement, version) for index, statement in enumerate(listed))
    return Policy(name, version, data.get("Id", ""), compiled)


def _compile(index: int, statement: Mapping[str, Any], version: str) -> Statement:
    actions = _listed(statement.get("Action", statement.get("NotAction")))
    resources = (
        _listed(statement["Resource" if "Resource" in statement else "NotResource"])
        if ("Resource" in statement or "NotResource" in statement)
        else None
    )
    blocks: Mapping[str, Mapping[str, Any]] = statement.get("Condition", {})
    conditions = tuple(
        Condition(operator, key, _texts(values), version)
        for operator, keys in blocks.items()
        for key, values in keys.items()
    )
    written = [
        *(resources or ()),
        *(text for keys in blocks.values() for value in keys.values() for text in _texts(value)),
    ]
    in_variables = {variable.key for text in written for variable in variables(_scanned(text, version))}
    return Statement(
        index=index,
        sid=statement.get("Sid", ""),
        allows=statement["Effect"] == "Allow",
        # Actions have no variables: the 2008 language reads them as they stand.
        actions=PatternSet.of([action.lower() for action in actions], WITHOUT_VARIABLES),
        not_action="NotAction" in statement,
        resources=None if resources is None else PatternSet.of(resources, version, arns=True),
        not_resource="NotResource" in statement,
        principals=_principals(statement.get("Principal", statement.get("NotPrincipal"))),
        not_principal="NotPrincipal" in statement,
        conditions=conditions,
        context_keys=frozenset({key.lower() for keys in blocks.values() for key in keys} | in_variables),
    )


def _scanned(text: str, version: str) -> tuple[Any, ...]:
    return scan(text, version) if "${" in text else ()


def _principals(element: Any) -> PrincipalSet | None:
    if element is None or isinstance(element, str):
        return None if element is None else PrincipalSet(element)
    return PrincipalSet({kind: _listed(names) for kind, names in element.items()})


def _listed(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _texts(value: Any) -> list[str]:
    given = value if isinstance(value, list | tuple) else [value]
    return [text for item in given if (text := text_of(item)) is not None]
