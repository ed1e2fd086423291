"""What a SAML response has to fit, and what is known once it does. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from poolhouse.saml.trust import Refused


class StatusRefused(Refused):
    """The provider answers that it did not sign anybody in. ``codes`` go from the general to the particular.

    The answer need not be signed, so it proves nothing but that the sign-in has come to nothing.
    """

    def __init__(self, codes: tuple[str, ...], message: str) -> None:
        super().__init__("status", f"{' '.join(codes)} {message}".strip())
        self.codes = codes
        self.message = message


@dataclass(frozen=True, slots=True)
class Expected:
    """What a response has to fit.

    ``entity_ids`` are names of ours, one of which is the audience; ``request_id`` the ID of the request that was sent,
    or None with ``unsolicited`` where the provider may begin. ``signed`` says what has to carry a signature: "either",
    "assertion", "response" or "both". ``decryption_keys`` are private keys (PEM), the newest first. With
    ``authenticated_since`` the person must have proven themselves after that moment (ForceAuthn).
    """

    entity_ids: tuple[str, ...]
    consumer_url: str
    request_id: str | None
    now: datetime
    unsolicited: bool = False
    encrypted_only: bool = False
    decryption_keys: tuple[bytes, ...] = field(default=(), repr=False)
    signed: str = "either"
    allow_sha1: bool = False
    skew_seconds: int = 60
    unsolicited_max_age_seconds: int = 360
    authenticated_since: datetime | None = None

    @property
    def skew(self) -> timedelta:
        """How much clocks may disagree."""
        return timedelta(seconds=self.skew_seconds)


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a provider asserts of a person, every check passed. ``attributes`` are by Name, in the provider's order.

    ``message_id`` and ``assertion_id`` must not be taken again before ``expires``: the caller remembers them.
    """

    message_id: str
    assertion_id: str
    issuer: str
    name_id: str = field(repr=False)
    name_id_format: str
    session_index: str | None
    attributes: Mapping[str, tuple[str, ...]] = field(repr=False)
    authn_instant: datetime
    authn_context: str
    in_response_to: str | None
    expires: datetime
    name_qualifier: str | None = None
    sp_name_qualifier: str | None = None
    session_not_on_or_after: datetime | None = None
