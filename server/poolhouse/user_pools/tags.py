"""Tags of pools, found by the pool's ARN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from poolhouse.core import runtime
from poolhouse.core.errors import InvalidParameter, ResourceNotFound
from poolhouse.core.events import emit
from poolhouse.user_pools import lookup, pool_rules, rows
from poolhouse.user_pools.events import UserPoolUpdated


def of(arn: str) -> dict[str, str]:
    """The tags of the pool that ``arn`` names. Raises ResourceNotFound, InvalidParameter."""
    return dict(lookup.pool(_pool_id(arn)).tags)


def add(arn: str, tags: Mapping[str, str]) -> None:
    """Set ``tags`` beside those that are there. Raises ResourceNotFound, InvalidParameter."""
    row = rows.locked_pool(_pool_id(arn))
    together = {**row.tags, **tags}
    pool_rules.check_tags(together, InvalidParameter)
    rows.store_pool(row.id, row.settings, tags=together)
    emit(UserPoolUpdated(row.id, "tags"))


def remove(arn: str, keys: Iterable[str]) -> None:
    """Take the tags of those names away; names that are not there do not matter. Raises ResourceNotFound."""
    row = rows.locked_pool(_pool_id(arn))
    gone = set(keys)
    rows.store_pool(row.id, row.settings, tags={key: value for key, value in row.tags.items() if key not in gone})
    emit(UserPoolUpdated(row.id, "tags"))


def _pool_id(arn: str) -> str:
    """The pool in ``arn:aws:cognito-idp:<region>:<account>:userpool/<id>``; another account's pools are not here."""
    prefix, _, resource = arn.rpartition(":")
    kind, _, pool_id = resource.partition("/")
    if kind != "userpool" or not pool_id or ":cognito-idp:" not in prefix:
        raise InvalidParameter(f"Invalid resource ARN: {arn}")
    if prefix != runtime.current().settings.arn_prefix:
        raise ResourceNotFound(f"User pool {pool_id} does not exist.")
    return pool_id
