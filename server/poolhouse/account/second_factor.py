"""A signed-in person's second factors: set up TOTP, choose which factors are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.account.events import SecondFactorChanged
from poolhouse.core import unit
from poolhouse.core.errors import EnableSoftwareTokenMFA, InvalidParameter, SoftwareTokenMFANotFound
from poolhouse.core.events import emit
from poolhouse.credentials import lockout, totp
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users import User, directory

SOFTWARE_TOKEN = "SOFTWARE_TOKEN_MFA"
EMAIL = "EMAIL_OTP"


def associate(pool: Pool, user: User) -> str:
    """A new TOTP secret (base32) that waits to be proven. Raises SoftwareTokenMFANotFound."""
    if not pool.totp_enabled:
        raise SoftwareTokenMFANotFound()
    return totp.associate(pool, user)


def verify(pool: Pool, user: User, code: str, device_name: str | None) -> None:
    """Prove the waiting secret by a code. Raises EnableSoftwareTokenMFA (counted), InvalidParameter."""
    if not pool.totp_enabled:
        raise SoftwareTokenMFANotFound()
    lockout.refuse_if_resting(lockout.state(pool.id, user.sub))
    proven = totp.prove(pool, user, code, device_name)
    if proven is None:
        raise InvalidParameter("Call AssociateSoftwareToken first.")
    if not proven:
        lockout.failed(pool.id, user.sub)
        raise EnableSoftwareTokenMFA(keep=True)
    emit(SecondFactorChanged(pool.id, user.sub))


def prefer(pool: Pool, user: User, settings: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Turn factors on or off and say which is preferred; a factor that ``settings`` leaves out stays as it is.

    ``settings`` maps SOFTWARE_TOKEN_MFA and EMAIL_OTP to ``{"Enabled", "PreferredMfa"}``. With MFA ON a factor can be
    preferred, not turned off. Raises InvalidParameter.
    """
    enabled, preferred = set(user.mfa_enabled), user.mfa_preferred
    if sum(bool(given and given.get("PreferredMfa")) for given in settings.values()) > 1:
        raise InvalidParameter("Only one MFA setting can be preferred")
    for factor, given in settings.items():
        if given is None:
            continue
        if given.get("Enabled"):
            _require_usable(pool, user, factor)
            enabled.add(factor)
        elif "Enabled" in given or not given.get("PreferredMfa"):
            enabled.discard(factor)
        if given.get("PreferredMfa"):
            if factor not in enabled:
                raise InvalidParameter("Cannot set an MFA setting as preferred that is not enabled")
            preferred = factor
        elif preferred == factor:
            preferred = None
    unit.write()
    directory.change(pool, user, mfa={"enabled": sorted(enabled), "preferred": preferred})
    emit(SecondFactorChanged(pool.id, user.sub))


def _require_usable(pool: Pool, user: User, factor: str) -> None:
    if factor == SOFTWARE_TOKEN and not (pool.totp_enabled and totp.proven(pool.id, user.sub)):
        raise InvalidParameter("User has not verified software token mfa")
    if factor == EMAIL and not (pool.email_mfa and user.verified("email")):
        raise InvalidParameter("User does not have a verified email to enable email MFA")


def forget_software_token(pool: Pool, user: User) -> None:
    """Take a lost authenticator away from a user."""
    unit.write()
    totp.remove(pool.id, user.sub)
    stored = directory.locked(pool, user)
    enabled = [factor for factor in stored.mfa_enabled if factor != SOFTWARE_TOKEN]
    preferred = None if stored.mfa_preferred == SOFTWARE_TOKEN else stored.mfa_preferred
    directory.change(pool, stored, mfa={"enabled": enabled, "preferred": preferred})
    emit(SecondFactorChanged(pool.id, user.sub))
