"""What stands before a view, whatever the framework: reads the token, verifies it, asks whether its bearer may."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from poolhouse_client._rules import grants, policy
from poolhouse_client.errors import ExpiredToken, InvalidToken, Refused, Unavailable
from poolhouse_client.permissions import Permissions
from poolhouse_client.tokens import Token

log = logging.getLogger("poolhouse_client")
_PLACE = re.compile(r"\$\{(?P<claim>[\w:.-]+)\}|\{(?P<parameter>\w+)\}")


class VerifiesAccess(Protocol):
    """A Verifier or an Introspector."""

    def access(self, token: str) -> Token:
        """The token, verified."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody who may. `token` is None for a guest."""

    token: Token | None
    verdict: grants.Verdict
    resource: str


class Guard:
    """`tokens` says whose a token is, `permissions` what they may do."""

    def __init__(self, tokens: VerifiesAccess, permissions: Permissions) -> None:
        self.tokens, self.permissions = tokens, permissions

    def identify(self, authorization: str | None, *, guests: bool = False) -> Token | None:
        """Who sends `Authorization: Bearer …`. A token that does not count is never a guest. Raises Refused."""
        if not authorization:
            if guests:
                return None
            raise Refused(401)
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise Refused(401, "invalid_request", "Send an access token as Authorization: Bearer …")
        try:
            return self.tokens.access(text.strip())
        except ExpiredToken as error:
            raise Refused(401, "invalid_token", "The access token has expired.", hint=str(error)) from error
        except InvalidToken as error:
            raise Refused(401, "invalid_token", "The access token does not count here.", hint=str(error)) from error
        except Unavailable as error:
            raise _unavailable(error) from error

    def check(
        self,
        authorization: str | None,
        action: str,
        resource: str = "*",
        parameters: Mapping[str, Any] | None = None,
        *,
        guests: bool = False,
        context: Mapping[str, Any] | None = None,
    ) -> Admitted:
        """Let the sender do `action` to `resource`, or raise Refused.

        In `resource`, `${sub}` stands for a claim of the token and `{name}` for a parameter of the route.
        """
        token = self.identify(authorization, guests=guests)
        target = resource_named(resource, token, parameters or {})
        verdict = self.ask(token, action, target, context)
        if not verdict.allowed:
            log.info("%s on %s refused to %s: %s", action, target, token.sub if token else "a guest", verdict.reason)
            if token is None:
                raise Refused(401, hint=verdict.explanation)
            raise Refused(403, "insufficient_scope", f"This needs permission for {action}.", hint=verdict.explanation)
        return Admitted(token, verdict, target)

    def ask(
        self, token: Token | None, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> grants.Verdict:
        """The verdict itself, allowed or not. Raises Refused (503) where nobody can be asked."""
        try:
            return self.permissions.decide(token, action, resource, context)
        except policy.InvalidRequest as error:
            raise Refused(400, "invalid_request", "The question cannot be read.", hint=str(error)) from error
        except Unavailable as error:
            raise _unavailable(error) from error


def resource_named(template: str, token: Token | None, parameters: Mapping[str, Any]) -> str:
    """The resource that a request is about. Raises Refused for one that cannot be named safely."""

    def fill(found: re.Match[str]) -> str:
        if name := found["parameter"]:
            value = str(parameters[name])
            # "mine/../theirs/x" fits the pattern mine/* and is somebody else's file to whoever opens it.
            if not value or any(part in {"", ".", ".."} for part in value.replace("\\", "/").split("/")):
                raise Refused(400, "invalid_request", f"{name} is no name of a resource.")
            return value
        claim = token.claims.get(found["claim"]) if token is not None else None
        if not isinstance(claim, str) or not claim:
            raise Refused(401 if token is None else 403, "" if token is None else "insufficient_scope",
                          "" if token is None else f"The token does not say {found['claim']}.")  # fmt: skip
        return claim

    return _PLACE.sub(fill, template)


def _unavailable(error: Unavailable) -> Refused:
    log.warning("%s", error)
    return Refused(503, "temporarily_unavailable", "This cannot be checked just now; try again.", hint=str(error))
