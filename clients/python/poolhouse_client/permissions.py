"""Who may do what, decided here: by policies of your own, by group, or by the bundle that the server signs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from poolhouse_client._rules import grants, policy
from poolhouse_client.errors import InvalidToken, Unavailable
from poolhouse_client.introspection import basic
from poolhouse_client.tokens import Token, Verifier

Role, Scopes, Verdict = grants.Role, grants.Scopes, grants.Verdict
Document = str | Mapping[str, Any]
BUNDLE_TYPE = "poolhouse-bundle+jwt"


class Permissions(Protocol):
    """What a guard asks. `token` is None for a guest."""

    def decide(
        self, token: Token | None, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> grants.Verdict:
        """Decide. Raises Unavailable where nobody can be asked."""


class Policies:
    """Policies in the IAM language, kept by the API itself.

    `groups` are a policy, or several, by the name of a group; `everyone` is for whoever has signed in; `guests` for
    whoever has not. `scopes` says which actions each scope of a token covers, such as
    `{"photos/read": ["photos:Get*", "photos:List*"]}`: an action that some scope covers needs such a scope.
    Raises policy.MalformedPolicy, which names the fault by its path.
    """

    def __init__(
        self,
        *,
        groups: Mapping[str, Document | Iterable[Document]] | None = None,
        everyone: Document | None = None,
        guests: Document | None = None,
        scopes: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self._groups = {name: _role(name, given) for name, given in (groups or {}).items()}
        self._everyone = (_role("everyone", everyone),) if everyone is not None else ()
        self._guests = (_role("guests", guests),) if guests is not None else ()
        self._scopes = grants.Scopes((), scopes)

    def decide(
        self, token: Token | None, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> grants.Verdict:
        """Decide without asking anybody. Raises policy.InvalidRequest for a context that makes no sense."""
        if token is None:
            subject = grants.Subject("", self._guests, facts=moment())
        else:
            mine = (self._groups[name] for name in token.groups if name in self._groups)
            subject = subject_of(token, (*self._everyone, *mine))
        return grants.judge(subject, action, resource, grants.circumstances(context), scopes=self._scopes)


class Bundle:
    """The roles of a pool's groups and what its scopes cover, as the server signed them; asked for anew with an ETag.

    The client must be allowed the scope `poolhouse/bundle`. A bundle serves until it expires if the server is away.
    """

    def __init__(
        self, verifier: Verifier, client_id: str, client_secret: str, *, max_age: float = 30, url: str = ""
    ) -> None:
        self._verifier, self._client_id, self._max_age = verifier, client_id, max_age
        self._url = url or f"{verifier.issuer}/access/v1/bundle"
        self._basic = basic(client_id, client_secret)
        self._etag, self._checked_at, self._expires = "", float("-inf"), 0.0
        self._roles: Mapping[str, grants.Role] = {}
        self._scopes = grants.Scopes(())
        self._lock = threading.Lock()

    def decide(
        self, token: Token | None, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> grants.Verdict:
        """Decide as the server would. Raises Unavailable without a bundle."""
        roles, scopes = self._current()
        if token is None:
            return grants.judge(grants.Subject(""), action, resource, scopes=scopes)
        mine = tuple(dict.fromkeys(roles[name] for name in token.groups if name in roles))
        subject = subject_of(token, mine)
        return grants.judge(subject, action, resource, grants.circumstances(context), scopes=scopes)

    def _current(self) -> tuple[Mapping[str, grants.Role], grants.Scopes]:
        with self._lock:
            now = time.monotonic()
            if now - self._checked_at >= self._max_age:
                try:
                    self._refresh()
                    self._checked_at = now
                except Unavailable:
                    if not self._etag:
                        raise
                    self._checked_at = now - self._max_age + min(2.0, self._max_age)
            if time.time() >= self._expires:
                raise Unavailable("the policy bundle has expired")
            return self._roles, self._scopes

    def _refresh(self) -> None:
        headers = {"Authorization": self._basic}
        # Without a good while left the same content is signed anew: a validator would only get us "not modified".
        if self._etag and time.time() < self._expires - 600:
            headers["If-None-Match"] = self._etag
        status, answered, content = self._verifier.transport.ask("GET", self._url, headers=headers)
        if status == 304 and "If-None-Match" in headers:
            return
        if status != 200:
            raise Unavailable(f"{self._url} answered {status}")
        try:
            claims = self._verifier.signed(content.decode("ascii", "replace"))
            self._verifier.check_life(claims)
        except InvalidToken as error:
            raise Unavailable(f"the policy bundle does not count: {error}") from error
        # No access or ID token has this use: nothing else that the pool signs can pass for a bundle.
        named = (claims.get("iss"), claims.get("token_use"), claims.get("aud"))
        if named != (self._verifier.issuer, "bundle", self._client_id):
            raise Unavailable("the policy bundle is for somebody else")
        try:
            self._roles, self._scopes = read(claims)
        except (policy.PolicyError, KeyError, TypeError, AttributeError) as error:
            raise Unavailable(f"the policy bundle cannot be read: {error}") from error
        self._etag, self._expires = answered.get("ETag", ""), float(claims["exp"])


def read(claims: Mapping[str, Any]) -> tuple[dict[str, grants.Role], grants.Scopes]:
    """The roles by group and the scopes of a bundle, compiled."""
    compiled: dict[str, grants.Role] = {}
    for arn, given in claims["roles"].items():
        policies = tuple(
            policy.parse(entry["document"], name=entry["name"], kind="identity") for entry in given["policies"]
        )
        boundary = given.get("boundary")
        limit = policy.parse(boundary["document"], name=boundary["name"], kind="identity") if boundary else None
        compiled[arn] = grants.Role(given["name"], policies, limit, arn)
    groups = {name: compiled[arn] for name, arn in claims["groups"].items() if arn in compiled}
    return groups, grants.Scopes(claims["scopes"], claims["scopes"])


def subject_of(token: Token, roles: tuple[grants.Role, ...]) -> grants.Subject:
    """The bearer of an access token."""
    facts = moment() | {
        "sub": token.sub,
        "aws:username": token.username,
        "client_id": token.client_id,
        "cognito:groups": list(token.groups),
    }
    scopes = None if token.scopes == grants.PERSONAL else token.scopes
    return grants.Subject(token.sub, roles, scopes, token.is_machine, facts)


def moment() -> dict[str, Any]:
    """The time, as policies ask for it."""
    now = datetime.fromtimestamp(time.time(), UTC)
    return {"aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "aws:EpochTime": str(int(now.timestamp()))}


def _role(name: str, given: Document | Iterable[Document]) -> grants.Role:
    documents = [given] if isinstance(given, str | Mapping) else list(given)
    parsed = tuple(policy.parse(document, name=name, kind="identity") for document in documents)
    return grants.Role(name, parsed)
