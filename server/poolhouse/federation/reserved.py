"""Names that belong to those who come through a provider, ``<ProviderName>_…``: nobody else may take one.

Whoever had one would stand where the provider's person is to be found, and be taken for them.
"""

from __future__ import annotations

from sqlalchemy import func, select

from poolhouse.account.events import PreSignUp
from poolhouse.core import unit
from poolhouse.core.errors import InvalidParameter
from poolhouse.federation.models import StoredProvider
from poolhouse.user_pools.snapshots import Pool

EXTERNAL = "ExternalProvider"


def refuse(question: PreSignUp) -> PreSignUp:
    """For the bus: answers PreSignUp, which is asked before any account is made. Raises InvalidParameter."""
    pool, name = question.pool, question.username
    prefix, separator, _ = name.partition("_")
    # Where people sign up with an address, it is not their username.
    if question.source == EXTERNAL or not separator or pool.username_attributes:
        return question
    if _provider(pool, prefix):
        raise InvalidParameter(f"Username cannot begin with {prefix}_, which is for users of an identity provider.")
    return question


def _provider(pool: Pool, name: str) -> bool:
    column = StoredProvider.name if pool.case_sensitive else func.lower(StoredProvider.name)
    wanted = name if pool.case_sensitive else name.lower()
    found = unit.execute(
        select(StoredProvider.name).where(StoredProvider.pool_id == pool.id, column == wanted).limit(1)
    )
    return found.first() is not None
