"""The policy documents of roles as they were written: for bundles, and to find what policies speak of by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from poolhouse.access import holdings, managed, roles
from poolhouse.access.models import IamRole
from poolhouse.core import runtime, unit
from poolhouse.policy import builtin
from poolhouse.policy.reading import read
from poolhouse.users.models import GroupRow


@dataclass(frozen=True, slots=True)
class Written:
    """A role's documents: its policies, and its boundary or None, each with `name` and `document`."""

    name: str
    policies: tuple[dict[str, Any], ...]
    boundary: dict[str, Any] | None

    def statements(self) -> Iterator[dict[str, Any]]:
        """Every statement of its policies."""
        for policy in self.policies:
            listed = policy["document"]["Statement"]
            yield from [listed] if isinstance(listed, dict) else listed


def of_role(arn: str) -> Written | None:
    """What is written in a role's policies, from memory while nothing changes; None where there is no such role."""
    found = roles.find(arn)
    return None if found is None else runtime.current().cache.get(("role documents", arn), lambda: _load(found.name))


def _load(name: str) -> Written:
    policies = [_managed(arn) for arn in holdings.attached(holdings.ROLE, name)]
    policies += [{"name": row.name, "document": read(row.document)} for row in holdings.inline(holdings.ROLE, name)]
    row = unit.execute(select(IamRole.boundary_arn).where(IamRole.name == name)).first()
    boundary = _managed(row.boundary_arn) if row is not None and row.boundary_arn else None
    return Written(name, tuple(policies), boundary)


def of_groups(pool_id: str) -> dict[str, str]:
    """The roles of a pool's groups: group -> ARN."""
    found = select(GroupRow.name, GroupRow.role_arn).where(GroupRow.pool_id == pool_id, GroupRow.role_arn.is_not(None))
    return {row.name: row.role_arn for row in unit.execute(found.order_by(GroupRow.name)) if row.role_arn}


def _managed(arn: str) -> dict[str, Any]:
    if arn in builtin.MANAGED:
        known = builtin.MANAGED[arn]
        return {"name": known.name, "document": read(known.document)}
    row = managed.require(arn)
    return {"name": row.name, "document": read(managed.version(arn, f"v{row.default_version}").document)}
