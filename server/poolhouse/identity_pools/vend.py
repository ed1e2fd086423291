"""What an identity gets: an OpenID token (the classic flow), or the credentials of a role (the enhanced flow)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poolhouse.access import roles, trust
from poolhouse.access import vend as access_vend
from poolhouse.access.credentials import Credentials
from poolhouse.core import unit
from poolhouse.core.errors import (
    AccessDenied,
    IDPCommunicationError,
    MalformedPolicyDocument,
    NoSuchEntity,
    NotAuthorized,
    PackedPolicyTooLarge,
    Validation,
)
from poolhouse.identity_pools import choose_role, guests, identities, logins, openid, providers, snapshot, tagging
from poolhouse.identity_pools.choose_role import Credential
from poolhouse.identity_pools.errors import InvalidIdentityPoolConfiguration, ProviderUnreachable, ResourceConflict
from poolhouse.identity_pools.identities import Identity
from poolhouse.identity_pools.snapshot import IdentityPool
from poolhouse.identity_pools.verified import Login

SESSION_NAME = "CognitoIdentityCredentials"
SESSION_SECONDS = 3600
# The administration of this server, and of whatever else a role may reach.
_ADMINISTRATION = (
    "iam:*",
    "sts:*",
    "organizations:*",
    "account:*",
    "cognito-idp:*",
    "cognito-identity:*",
    "poolhouse:*",
)
# A guest is anybody at all: whatever their role says by mistake, it does not let them administer.
GUEST_SESSION = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "NotAction": list(_ADMINISTRATION), "Resource": "*"}],
}
# Web identities cannot call the API of identity pools (Cognito's rule): no login makes itself another.
SIGNED_IN_SESSION = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "NotAction": "cognito-identity:*", "Resource": "*"}],
}


@dataclass(frozen=True, slots=True)
class Proven:
    """An identity that was proven, how, and what it is tagged with."""

    pool: IdentityPool
    identity: Identity
    logins: tuple[Login, ...] = field(repr=False)
    amr: tuple[str, ...] = field(repr=False)
    tags: Mapping[str, str] = field(repr=False)

    @property
    def authenticated(self) -> bool:
        """Whether it is somebody, not a guest."""
        return self.amr[0] == "authenticated"


def identity_id(identity_pool_id: str, given: Mapping[str, str]) -> str:
    """GetId: the identity of these logins, or a new one.

    Raises ResourceNotFound, NotAuthorized, ResourceConflict, TooManyRequests.
    """
    pool = snapshot.get(identity_pool_id)
    if providers.SELF in given:
        return logins.own_token(pool, _alone(given))[0]
    if not given and pool.guests:
        guests.count()
    return identities.of_logins(pool, logins.verify(pool, given))


def prove(asked: str, given: Mapping[str, str]) -> Proven:
    """The identity of that id, which ``given`` must prove. Raises ResourceNotFound, NotAuthorized, ResourceConflict."""
    identity = identities.get(asked)
    pool = snapshot.get(identity.pool_id)
    if providers.SELF in given:
        subject, amr, tags = logins.own_token(pool, _alone(given))
        if subject != identity.id:
            raise NotAuthorized(identities.NO_MATCH)
        return Proven(pool, identity, (), ("authenticated", *amr), tags)
    found = logins.verify(pool, given)
    identity = identities.proven(pool, identity, found)
    if not found:
        return Proven(pool, identity, (), ("unauthenticated",), {})
    tags = {}
    for login in reversed(found):  # the first login has the last word
        tags.update(tagging.tags(pool.principal_tags, login.names, login.claims))
    amr = tuple(each for login in found for each in login.amr)
    return Proven(pool, identity, found, ("authenticated", *amr), tags)


def openid_token(asked: str, given: Mapping[str, str]) -> tuple[str, str]:
    """GetOpenIdToken: the identity and its token. Raises what :func:`prove` does, NotAuthorized without the flow."""
    proof = prove(asked, given)
    if not proof.pool.classic:
        raise NotAuthorized("Basic (classic) flow is not enabled, please use enhanced flow.")
    return proof.identity.id, openid.issue(proof.pool, proof.identity.id, proof.amr, principal_tags=proof.tags)


def credentials(asked: str, given: Mapping[str, str], custom_role_arn: str | None) -> tuple[str, Credentials]:
    """GetCredentialsForIdentity: the identity, and an hour's credentials of its role.

    Raises what :func:`prove` does, NotAuthorized where no role is for it, InvalidIdentityPoolConfiguration.
    """
    proof = prove(asked, given)
    held = tuple(Credential(login.names, login.claims) for login in proof.logins)
    if proof.authenticated and not held:
        held = (Credential((providers.SELF,), {}),)
    arn = choose_role.choose(proof.pool.roles, proof.pool.role_mappings, held, custom_role_arn)
    try:
        return proof.identity.id, _minted(proof, arn)
    except IDPCommunicationError as reason:
        raise ProviderUnreachable(str(reason), hint=reason.hint) from None
    except (AccessDenied, NoSuchEntity, Validation, PackedPolicyTooLarge, MalformedPolicyDocument) as reason:
        raise InvalidIdentityPoolConfiguration(hint=f"{arn}: {reason} {reason.hint}") from None


def _minted(proof: Proven, arn: str) -> Credentials:
    role = roles.get(arn)
    context: dict[str, Any] = {
        f"{providers.SELF}:aud": proof.pool.id,
        f"{providers.SELF}:sub": proof.identity.id,
        f"{providers.SELF}:amr": list(proof.amr),
    }
    asked = {f"aws:RequestTag/{key}": value for key, value in proof.tags.items()}
    trust.check(role, trust.WEB_IDENTITY, providers.SELF, {**context, **asked})
    session = context | {f"aws:PrincipalTag/{key}": value for key, value in proof.tags.items()}
    if role.credentials_kind == "sts":
        # The exchange takes its time: nobody must wait for it with a link of ours under way. A login that was proven
        # stays linked even if the other side refuses.
        unit.store()
    return access_vend.vend(
        role,
        SESSION_NAME,
        seconds=min(SESSION_SECONDS, role.max_session_seconds),
        context={**session, "aws:FederatedProvider": providers.SELF},
        openid_token=lambda: openid.issue(proof.pool, proof.identity.id, proof.amr, principal_tags=proof.tags),
        guard=SIGNED_IN_SESSION if proof.authenticated else GUEST_SESSION,
    )


def _alone(given: Mapping[str, str]) -> str:
    if len(given) > 1:
        raise ResourceConflict(f"A login of {providers.SELF} stands alone.")
    return given[providers.SELF]
