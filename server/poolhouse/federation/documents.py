"""SAML metadata of providers: read from a file, or fetched and kept, and fetched again in the background.

A copy that was good is used until its own validUntil, however long its server is away; what a refresh brings replaces
it only if it can be read.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, insert, not_, select, update
from sqlalchemy.exc import IntegrityError

from poolhouse.core import clock, outbound, runtime, unit
from poolhouse.core.errors import InvalidParameter
from poolhouse.core.outbound import Unreachable
from poolhouse.federation.connector import Misconfigured, Unavailable
from poolhouse.federation.models import ProviderDocument, StoredProvider
from poolhouse.federation.provider import Provider

if TYPE_CHECKING:
    from poolhouse.core.runtime import Runtime
    from poolhouse.saml.trust import IdpTrust

log = logging.getLogger("poolhouse.federation")
KIND = "saml-metadata"
_REFRESHING = "metadata refresh"
REFRESHED_EVERY = timedelta(hours=6)  # Cognito's
_TRIED_AGAIN = timedelta(minutes=15)
_ASKED_AGAIN = timedelta(minutes=5)
_AT_A_TIME = 20
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_ACCEPTED = {"Accept": "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.5"}


@dataclass(frozen=True, slots=True)
class _Copy:
    body: bytes
    fetched_at: datetime


def checked(provider: Provider) -> IdpTrust:
    """What the provider's metadata says, fetched now where it is published. Raises InvalidParameter with the reason.

    Runs before anything is written; the copy that was fetched is kept once the provider is stored.
    """
    from poolhouse.saml.trust import BadMetadata

    url = provider.details.get("MetadataURL")
    try:
        body = _fetch(url) if url else _file(provider)
        trust = _read(body)
        _require_current(trust)
    except Unreachable as unreachable:
        raise InvalidParameter(_sentence(str(url), unreachable), hint=str(unreachable)) from None
    except BadMetadata as bad:
        raise InvalidParameter(str(bad), hint=bad.reason) from None
    if url:
        _keep(provider, url, body)
    return trust


def trust(provider: Provider) -> IdpTrust:
    """Whom to believe for ``provider`` now. Raises Misconfigured, Unavailable."""
    from poolhouse.saml.trust import BadMetadata

    url = provider.details.get("MetadataURL")
    try:
        found = _read(_body(provider, url) if url else _file(provider))
        _require_current(found)
    except Unreachable as unreachable:
        raise Unavailable(hint=str(unreachable)) from None
    except BadMetadata as bad:
        raise Misconfigured(hint=str(bad)) from None
    return found


def known(provider: Provider) -> IdpTrust | None:
    """As :func:`trust`, from what is here already: nothing is fetched, and None if there is nothing usable."""
    from poolhouse.saml.trust import BadMetadata

    url = provider.details.get("MetadataURL")
    try:
        if not url:
            return _read(_file(provider))
        copy = _copy(provider, url)
        return None if copy is None else _read(copy.body)
    except BadMetadata:
        return None


def renewed(provider: Provider) -> IdpTrust | None:
    """What the provider publishes now, where a signature fits none of the keys that are known: it may have rotated.

    None where that was asked a moment ago: whoever sends bad signatures must not make us fetch for each.
    """
    from poolhouse.saml.trust import BadMetadata

    url = provider.details.get("MetadataURL")
    copy = _copy(provider, url) if url else None
    if url is None or copy is None or copy.fetched_at > clock.now() - _ASKED_AGAIN:
        return None
    if unit.current().writing or not _claim(provider.pool_id, provider.name, before=copy.fetched_at):
        return None
    try:
        body = _fetch(url)
        found = _read(body)
        _require_current(found)
    except (Unreachable, BadMetadata) as failed:
        log.warning("metadata of %s in %s: %s", provider.name, provider.pool_id, failed)
        return None
    _store(runtime.current(), provider, url, body)
    return found


# --- in the background ------------------------------------------------------------------------------------------------


def refresh_in_background(rt: Runtime) -> None:
    """:func:`refresh_due` in a thread of its own: a slow server must not keep the housekeeper from sending mail."""
    before = rt.extras.get(_REFRESHING)
    if isinstance(before, threading.Thread) and before.is_alive():
        return

    def refresh() -> None:
        try:
            refresh_due(rt)
        except Exception:
            log.exception("metadata could not be refreshed; it is tried again")

    rt.extras[_REFRESHING] = thread = threading.Thread(target=refresh, name="metadata", daemon=True)
    thread.start()


def refresh_due(rt: Runtime) -> None:
    """Fetch the documents whose time has come. A failure is noted and tried again; what was good stays."""
    with unit.open(rt):
        due = unit.execute(
            select(ProviderDocument.pool_id, ProviderDocument.provider, ProviderDocument.url)
            .where(ProviderDocument.kind == KIND, ProviderDocument.due_at <= clock.now())
            .order_by(ProviderDocument.due_at)
            .limit(_AT_A_TIME)
        ).all()
    for row in due:
        with runtime.entered(rt):
            _refresh(rt, row.pool_id, row.provider, row.url)


def _refresh(rt: Runtime, pool_id: str, provider: str, url: str) -> None:
    from poolhouse.saml.trust import BadMetadata

    mine = (ProviderDocument.pool_id == pool_id, ProviderDocument.provider == provider, ProviderDocument.kind == KIND)
    now = clock.now()
    with unit.open(rt, write=True):  # of several workers, the first one fetches
        held = (StoredProvider.pool_id == pool_id, StoredProvider.name == provider)
        if unit.execute(select(StoredProvider.name).where(*held)).first() is None:
            unit.execute(delete(ProviderDocument).where(*mine))
            return
        claim = update(ProviderDocument).where(*mine, ProviderDocument.due_at <= now)
        if unit.execute(claim.values(due_at=now + _TRIED_AGAIN)).rowcount != 1:
            return
    try:
        with unit.open(rt):
            body = _fetch(url)
            _require_current(_read(body))
        good = {"body": body, "fetched_at": now, "due_at": now + REFRESHED_EVERY, "failure": None}
    except (Unreachable, BadMetadata) as failed:
        log.warning("metadata of %s in %s: %s", provider, pool_id, failed)
        good = {"failure": str(failed)[:500]}
    with unit.open(rt, write=True):
        unit.execute(update(ProviderDocument).where(*mine, ProviderDocument.url == url).values(**good))


# --- copies -----------------------------------------------------------------------------------------------------------


def _body(provider: Provider, url: str) -> bytes:
    copy = _copy(provider, url)
    if copy is not None:
        return copy.body
    body = _fetch(url)
    if unit.current().writing:
        _keep(provider, url, body)
    else:
        _store(runtime.current(), provider, url, body)
    return body


def _copy(provider: Provider, url: str) -> _Copy | None:
    """The last good copy of what that URL published."""
    row = unit.execute(
        select(ProviderDocument.url, ProviderDocument.body, ProviderDocument.fetched_at).where(
            ProviderDocument.pool_id == provider.pool_id,
            ProviderDocument.provider == provider.name,
            ProviderDocument.kind == KIND,
        )
    ).first()
    return None if row is None or row.url != url else _Copy(bytes(row.body), row.fetched_at)


def _claim(pool_id: str, provider: str, *, before: datetime) -> bool:
    """Whether this request is the one that may ask again; noted in a unit of its own, whatever becomes of this one."""
    mine = (ProviderDocument.pool_id == pool_id, ProviderDocument.provider == provider, ProviderDocument.kind == KIND)
    now = clock.now()
    lately = and_(ProviderDocument.due_at > now, ProviderDocument.due_at <= now + _ASKED_AGAIN)
    asked = (ProviderDocument.fetched_at == before, not_(lately))
    with unit.open(runtime.current(), write=True):
        claim = update(ProviderDocument).where(*mine, *asked)
        return unit.execute(claim.values(due_at=now + _ASKED_AGAIN)).rowcount == 1


def _keep(provider: Provider, url: str, body: bytes) -> None:
    """Store a good copy once this unit is stored: with the provider that it is of, or after what the unit writes."""
    rt = runtime.current()
    unit.after_commit(lambda: _store(rt, provider, url, body))


def _store(rt: Runtime, provider: Provider, url: str, body: bytes) -> None:
    now = clock.now()
    row = {"pool_id": provider.pool_id, "provider": provider.name, "kind": KIND}
    values = {"url": url, "body": body, "fetched_at": now, "due_at": now + REFRESHED_EVERY, "failure": None}
    try:
        with unit.open(rt, write=True):
            unit.execute(delete(ProviderDocument).filter_by(**row))
            unit.execute(insert(ProviderDocument).values(**row, **values))
    except IntegrityError:  # somebody else stored theirs at the same moment
        pass


def _fetch(url: str) -> bytes:
    answer = outbound.get(url, headers=_ACCEPTED)
    if answer.status != 200:
        raise Unreachable(f"Non-ok status code {answer.status}")
    return answer.body


def _file(provider: Provider) -> bytes:
    return provider.details.get("MetadataFile", "").encode()


def _read(body: bytes) -> IdpTrust:
    """What a document says, parsed once however often it is asked. Raises BadMetadata."""
    from poolhouse.saml import metadata

    key = ("saml metadata", hashlib.sha256(body).digest())
    return runtime.current().cache.get(key, lambda: metadata.read_idp(body, now=_LONG_AGO))


def _require_current(found: IdpTrust) -> None:
    from poolhouse.saml.trust import BadMetadata

    if found.valid_until is not None and found.valid_until <= clock.now():
        raise BadMetadata("expired", f"SAML metadata expired at {found.valid_until:%Y-%m-%dT%H:%M:%SZ} (validUntil).")


def _sentence(url: str, unreachable: Unreachable) -> str:
    """For the administrator: a status as Cognito says it; nothing of what our network looks like from inside."""
    shown = url.partition("?")[0]
    if str(unreachable).startswith("Non-ok status code"):
        return f"{unreachable} returned from remote metadata source {shown}"
    return f"Unable to read metadata from remote metadata source {shown}"
