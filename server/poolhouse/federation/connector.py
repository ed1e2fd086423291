"""What every kind of identity provider can do: send a browser there, and make out who came back.

A connector knows one protocol. It knows no page, no journey and no user: it is handed what to ask, and hands back where
to send the browser, or who its provider says has arrived. ``tests/contracts/test_connectors.py`` runs over all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from poolhouse.core.errors import PoolhouseError
from poolhouse.federation.provider import Provider


class AtOurs:
    """That a browser leaves from, and comes back to, ``base``: where the pool's endpoints are, without a slash."""

    __slots__ = ()
    base: str

    def oauth_callback(self, provider: Provider) -> str:
        """The redirect URI: Cognito's address for answers of OAuth and OpenID providers, or the provider's own.

        One address for all leaves answers that name no issuer (RFC 9207) open to mix-up by another provider of the
        pool; RFC 9700 §4.4.2.2 wants an address for each, which the extension ``OwnCallback`` gives.
        """
        own = "/" + quote(provider.name, safe="") if provider.own_callback else ""
        return f"{self.base}/oauth2/idpresponse{own}"

    @property
    def saml_consumer(self) -> str:
        """Cognito's assertion consumer service."""
        return self.base + "/saml2/idpresponse"


@dataclass(frozen=True, slots=True)
class Departure(AtOurs):
    """What to ask a provider for.

    ``state`` is the trip's handle, which comes back with the browser (OAuth's state, SAML's RelayState). ``prompt`` has
    the values that are passed on (login, select_account, consent), ``reauthenticate`` asks for a fresh proof
    (prompt=login, max_age). ``acr_values`` are ours, as the app asked for them.
    """

    state: str = field(repr=False)
    base: str
    prompt: frozenset[str] = frozenset()
    reauthenticate: bool = False
    login_hint: str | None = None
    locale: str | None = None
    acr_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """Where to send the browser: by a redirect, or with ``form`` by a page that posts it there.

    ``remember`` is stored sealed with the trip, and handed to :meth:`Connector.land`. JSON values.
    """

    address: str = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    remember: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Landing(AtOurs):
    """What came back: the parameters of the query or the form, each once; and what the trip remembers.

    ``remember`` is None where nobody was sent (SAML started by the provider): few connectors take that.
    """

    base: str
    parameters: Mapping[str, str] = field(repr=False)
    remember: Mapping[str, Any] | None = field(repr=False)
    posted: bool = False


Claim = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """Somebody whom a provider vouches for.

    ``subject`` is exact: upper and lower case are different people. ``claims`` are what the provider says of them, by
    the provider's names, several values as a tuple. ``inbound`` is what the InboundFederation hook is shown (Cognito's
    ``request.attributes``); ``tokens`` are the provider's own, kept only where a client may fetch them; ``session`` is
    what single logout needs (SAML: name_id, name_id_format, session_index). All JSON values.
    """

    subject: str
    claims: Mapping[str, Claim] = field(repr=False)
    acr: str | None = None
    auth_time: int | None = None
    inbound: Mapping[str, Any] = field(default_factory=dict, repr=False)
    tokens: Mapping[str, Any] | None = field(default=None, repr=False)
    session: Mapping[str, str] | None = field(default=None, repr=False)


class Connector(Protocol):
    """One kind of provider."""

    def check(self, provider: Provider) -> Mapping[str, str]:
        """ProviderDetails as they are stored, defaults filled in. Raises InvalidParameter for what cannot work.

        Runs outside any transaction, since it may fetch documents (discovery, metadata).
        """

    def depart(self, provider: Provider, departure: Departure) -> Sent:
        """Where to send the browser. Raises FederationFailed."""

    def land(self, provider: Provider, landing: Landing) -> ExternalIdentity:
        """Who came back, every claim verified. Raises FederationFailed."""


class FederationFailed(PoolhouseError):
    """A sign-in through a provider came to nothing. The app hears ``oauth``, the person sees the page of ``kind``.

    ``str()`` is said to the app as ``error_description``; ``hint`` is for the log and the operator's audit.
    """

    aws = "InvalidParameterException"
    oauth = "server_error"
    kind = "broken"
    sentence = "The identity provider's answer could not be used. Start the sign-in again."


class Denied(FederationFailed):
    """The person, or the provider on their behalf, said no."""

    oauth = "access_denied"
    kind = "denied"
    sentence = "The sign-in was denied or cancelled at the identity provider."


class Unavailable(FederationFailed):
    """The provider cannot be reached, or says that it is out of order."""

    oauth = "temporarily_unavailable"
    kind = "unavailable"
    sentence = "The identity provider cannot be reached at present. Try again later."


class LoginRequired(FederationFailed):
    """The provider was asked not to bother the person, and could not do without."""

    oauth = "login_required"
    kind = "denied"
    sentence = "The identity provider asks the person to sign in."


class Misconfigured(FederationFailed):
    """What is registered at the provider and what is configured here do not agree: an administrator has to look."""

    kind = "misconfigured"
    sentence = "The identity provider is not configured correctly: an administrator has to compare both sides."


class Untrusted(FederationFailed):
    """The answer fails a check: forged, replayed, stale, or for somebody else."""

    oauth = "access_denied"
    kind = "broken"


class NotOpen(FederationFailed):
    """The provider is turned off or gone, or the app does not offer it."""

    oauth = "access_denied"
    kind = "not_open"
    sentence = "Nobody can sign in through this identity provider: it is turned off, or this app does not offer it."


class Refused(FederationFailed):
    """The person may not come in: disabled, or their profile does not fit the pool's."""

    oauth = "access_denied"
    kind = "refused"
    sentence = "This account may not sign in."
