"""The question put to policies: may this caller do this action to this resource, in these circumstances?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import InvalidRequest, shown
from .principal import ANONYMOUS, Principal
from .values import Keys, Value, keys_of

_NO_KEYS: Keys = {}


@dataclass(frozen=True, slots=True)
class Request:
    """`context` maps condition keys to a value or several; `resource_account` is the account that owns the resource.

    Raises InvalidRequest when the context cannot be read.
    """

    action: str
    resource: str = "*"
    context: Mapping[str, Value] = field(default_factory=dict)
    principal: Principal = ANONYMOUS
    resource_account: str = ""
    folded_action: str = field(init=False, repr=False, compare=False)
    keys: Keys = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for value in (self.action, self.resource, self.resource_account):
            if not _is_text(value):
                raise InvalidRequest(f"action, resource and account must be texts, not {shown(value)}")
        object.__setattr__(self, "folded_action", self.action.lower())
        object.__setattr__(self, "keys", keys_of(self.context) if self.context else _NO_KEYS)

    @property
    def crosses_accounts(self) -> bool:
        """Whether the caller's account and the resource's are both known and differ."""
        return bool(self.principal.account and self.resource_account) and (
            self.principal.account != self.resource_account
        )


def _is_text(value: object) -> bool:
    """Types are no promise here: an action may come straight out of somebody's JSON."""
    return isinstance(value, str)
