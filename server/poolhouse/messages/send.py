"""Send a code or an invitation: one row in the outbox, in the caller's transaction; it leaves after the commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from poolhouse.core import events
from poolhouse.messages import outbox, templates
from poolhouse.messages.delivery import Delivery
from poolhouse.messages.events import CustomMessage
from poolhouse.messages.occasion import Occasion
from poolhouse.user_pools.snapshots import Pool

__all__ = ["Addressee", "Delivery", "Occasion", "code", "invitation"]


class Addressee(Protocol):
    """What a message needs to know of a user; ``users.User`` is one."""

    @property
    def sub(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...


def code(
    pool: Pool,
    user: Addressee,
    occasion: Occasion,
    attribute: str,
    address: str,
    code: str,
    *,
    client_id: str = "",
    metadata: Mapping[str, str] | None = None,
    link: str | None = None,
) -> Delivery:
    """Send ``code`` to ``address``, which is the user's ``attribute``: ``email`` or ``phone_number``.

    Asks the CustomMessage hook, then begins the write: a caller that has more to write calls this first, so that no
    slow hook holds the write lock. ``link`` confirms without typing, where the pool wants CONFIRM_WITH_LINK. Raises
    CodeDeliveryFailure if no carrier serves that medium, and whatever a hook refuses with.
    """
    return _send(pool, user, occasion, attribute, address, code, client_id, metadata, link)


def invitation(
    pool: Pool,
    user: Addressee,
    address: str,
    attribute: str,
    temporary_password: str,
    *,
    client_id: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Delivery:
    """Tell somebody of the account that an administrator made, and the password to begin with. As :func:`code`."""
    return _send(pool, user, Occasion.INVITATION, attribute, address, temporary_password, client_id, metadata, None)


def _send(
    pool: Pool,
    user: Addressee,
    occasion: Occasion,
    attribute: str,
    address: str,
    secret: str,
    client_id: str,
    metadata: Mapping[str, str] | None,
    link: str | None,
) -> Delivery:
    delivery = Delivery.to(attribute, address)
    question = CustomMessage(
        pool.id, occasion.trigger, client_id, user.sub, user.username, user.attributes, metadata or {}
    )
    words = events.ask(question)
    message = templates.render(
        pool, occasion, delivery.medium, address, secret=secret, username=user.username, words=words, link=link
    )
    outbox.post(pool.id, message)
    return delivery
