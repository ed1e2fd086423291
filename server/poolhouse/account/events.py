"""What happens to accounts, and what is asked before it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from poolhouse.core.events import Event
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import User


@dataclass(frozen=True, slots=True)
class AccountEvent(Event):
    """A fact about one user."""

    sub: str
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class UserSignedUp(AccountEvent):
    """Somebody made an account."""


@dataclass(frozen=True, slots=True)
class UserConfirmed(AccountEvent):
    """Somebody proved their address, or an administrator vouched for them."""


@dataclass(frozen=True, slots=True)
class UserCreated(AccountEvent):
    """An administrator made an account."""


@dataclass(frozen=True, slots=True)
class UserDeleted(AccountEvent):
    """An account is gone."""


@dataclass(frozen=True, slots=True)
class UserEnabled(AccountEvent):
    """An administrator let a user in again."""


@dataclass(frozen=True, slots=True)
class UserDisabled(AccountEvent):
    """An administrator shut a user out."""


@dataclass(frozen=True, slots=True)
class AttributesChanged(AccountEvent):
    """Attributes were set or removed; which, never to what."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PasswordChanged(AccountEvent):
    """A password was set, by whom: ``self``, ``recovery`` or ``administrator``."""

    by: str = "self"


@dataclass(frozen=True, slots=True)
class PasswordResetRequested(AccountEvent):
    """A code to set a new password was sent."""

    by: str = "self"


@dataclass(frozen=True, slots=True)
class SecondFactorChanged(AccountEvent):
    """A second factor was proven, turned on or off."""


@dataclass(frozen=True, slots=True)
class UserSignedOut(AccountEvent):
    """Every token of the user was ended."""


@dataclass(frozen=True, slots=True)
class PreSignUp:
    """Asked before an account is made (Lambda trigger PreSignUp); ``source`` is SignUp or AdminCreateUser."""

    pool: Pool
    client: Client | None
    source: str
    username: str
    attributes: Mapping[str, str]
    validation_data: Mapping[str, str] = field(default_factory=dict)
    client_metadata: Mapping[str, str] = field(default_factory=dict)
    auto_confirm: bool = False
    auto_verify_email: bool = False
    auto_verify_phone: bool = False

    @property
    def verified(self) -> dict[str, str]:
        """The flags of the addresses that a listener vouched for, as attributes."""
        vouched = {"email_verified": self.auto_verify_email, "phone_number_verified": self.auto_verify_phone}
        return {name: "true" for name, on in vouched.items() if on}


@dataclass(frozen=True, slots=True)
class PostConfirmation:
    """Asked once an account is confirmed, or its password recovered."""

    pool: Pool
    client: Client | None
    source: str
    user: User
    client_metadata: Mapping[str, str] = field(default_factory=dict)
