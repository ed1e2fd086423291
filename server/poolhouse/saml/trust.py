"""Whom we speak SAML with, as their metadata says, and how a message of theirs is turned down. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

REDIRECT = "redirect"
POST = "post"


class Refused(Exception):
    """A message or document that is not believed.

    ``reason`` is a slug that says which check failed (``audience``, ``signature``), ``hint`` the particulars. Both are
    for the log: the person in front of the browser may be whoever forged it.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        # What a stranger wrote may begin no line of its own in the log.
        hint = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in hint)
        super().__init__(f"{reason}: {hint}" if hint else reason)
        self.reason = reason
        self.hint = hint


class BadMetadata(Refused):
    """A metadata document that cannot be used. ``str()`` is a sentence for the administrator who gave it."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(reason, sentence)

    def __str__(self) -> str:
        return self.hint


@dataclass(frozen=True, slots=True)
class IdpTrust:
    """An identity provider: who it is, the certificates it signs with (DER), and where it takes messages.

    ``sso``, ``slo`` and ``slo_response`` are addresses by binding (``redirect``, ``post``); ``slo_response`` has those
    only where answers go elsewhere than requests.
    """

    entity_id: str
    certificates: tuple[bytes, ...] = field(repr=False)
    sso: Mapping[str, str]
    slo: Mapping[str, str] = field(default_factory=dict)
    slo_response: Mapping[str, str] = field(default_factory=dict)
    want_authn_requests_signed: bool = False
    valid_until: datetime | None = None
    name_id_formats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consumer:
    """An assertion consumer service of a service provider. Only the POST binding is spoken."""

    index: int
    url: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class SpTrust:
    """A service provider: its certificates (DER) for signing and for encryption, and where it takes messages."""

    entity_id: str
    consumers: tuple[Consumer, ...]
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    encryption_certificates: tuple[bytes, ...] = field(default=(), repr=False)
    slo: Mapping[str, str] = field(default_factory=dict)
    slo_response: Mapping[str, str] = field(default_factory=dict)
    authn_requests_signed: bool = False
    want_assertions_signed: bool = True
    valid_until: datetime | None = None
    name_id_formats: tuple[str, ...] = ()
