"""What the SAML identity provider announces."""

from __future__ import annotations

from dataclasses import dataclass

from poolhouse.core.events import Event


@dataclass(frozen=True, slots=True)
class SamlAssertionIssued(Event):
    """A service provider was told who somebody is. ``context`` is the class of authentication that was stated."""

    sub: str
    client_id: str
    context: str
    asked_for: bool


@dataclass(frozen=True, slots=True)
class SamlAssertionRefused(Event):
    """A service provider was told that there is no assertion; ``status`` says why."""

    client_id: str
    status: str
