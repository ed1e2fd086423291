"""An identity provider of a pool, as the domain sees it: immutable, its secrets opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LOCAL = "COGNITO"  # the pool itself, among a client's SupportedIdentityProviders


@dataclass(frozen=True, slots=True)
class Provider:
    """``type`` is the API's ProviderType, ``details`` its ProviderDetails (all strings), ``own`` our extensions.

    ``mapping`` is the API's AttributeMapping: an attribute of ours -> the provider's name for it.
    """

    pool_id: str
    name: str
    type: str
    details: Mapping[str, str] = field(repr=False)
    mapping: Mapping[str, str]
    identifiers: tuple[str, ...]
    acr_mapping: Mapping[str, str]
    own: Mapping[str, Any]
    created_at: datetime
    modified_at: datetime

    @property
    def enabled(self) -> bool:
        """Whether people may sign in through it: our extension ``Enabled``, on unless turned off."""
        return self.own.get("enabled", True) is not False

    @property
    def own_callback(self) -> bool:
        """Whether it answers at an address of its own: our extension ``OwnCallback``."""
        return self.own.get("own_callback") is True

    def flag(self, name: str) -> bool:
        """A switch of ProviderDetails, where every value is text."""
        return self.details.get(name, "").lower() == "true"
