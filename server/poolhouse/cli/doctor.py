"""``poolhouse doctor``: looks over everything that a server stands on, and says of each fault how it is cured."""

from __future__ import annotations

import argparse
import ssl
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from poolhouse.cli import opened
from poolhouse.settings import PREFIX, Settings, SettingsError

T = TypeVar("T")
_SKEW_SECONDS = 5.0


class Fault(Exception):
    """Something that has to be cured; its text says what and how."""


class Advice(Exception):
    """Something that works, but not as well or as safely as it might."""


def doctor(options: argparse.Namespace) -> int:
    """A line for each thing looked at; exit code 1 if any is at fault."""
    try:
        settings = opened.load(options)
    except SettingsError as error:
        for fault in error.faults:
            print(f"fault   settings     {fault}")
        return 1
    print("ok      settings")
    healthy = True
    for name, look in _looks(settings):
        try:
            print(f"ok      {name:<12} {look()}".rstrip())
        except Advice as advice:
            print(f"advice  {name:<12} {advice}")
        except Fault as fault:
            print(f"fault   {name:<12} {fault}")
            healthy = False
    return 0 if healthy else 1


def _looks(settings: Settings) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "data", lambda: _data(settings)
    yield "database", lambda: _database(settings)
    yield "master key", lambda: _master_key(settings)
    yield "clock", lambda: _clock(settings)
    yield "callers", lambda: _callers(settings)
    yield "mail", lambda: _mail(settings)
    yield "tls", lambda: _tls(settings)
    yield "saml", _saml


def _data(settings: Settings) -> str:
    data = Path(settings.data_dir).absolute()
    if not data.is_dir():
        raise Fault(f"{data} does not exist; run `poolhouse init`")
    try:
        probe = data / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Fault(f"{data} cannot be written to ({error.strerror}); give it to this user") from None
    return str(data)


def _database(settings: Settings) -> str:
    from sqlalchemy import create_engine, pool
    from sqlalchemy.exc import SQLAlchemyError

    from poolhouse import migrations
    from poolhouse.core.db import driver_url, engine_options

    url = driver_url(settings.database_url)
    file = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else ""
    if file and not Path(file).exists():  # looking must not make one
        raise Fault(f"{file} does not exist; run `poolhouse init`")
    try:
        connect = engine_options(settings)["connect_args"]
        found = migrations.current(create_engine(url, poolclass=pool.NullPool, connect_args=connect))
    except migrations.NewerDatabase as error:
        raise Fault(str(error)) from None
    except (SQLAlchemyError, ModuleNotFoundError, OSError) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise Fault(f"{reason}; start it, or correct {PREFIX}DATABASE_URL") from None
    if found is None:
        raise Fault("has no tables; run `poolhouse init`")
    if found != migrations.head():
        raise Fault(f"is at revision {found}, not {migrations.head()}; `poolhouse init` or a start upgrades it")
    return f"revision {found}"


def _master_key(settings: Settings) -> str:
    from poolhouse import keycheck

    path = keycheck.key_file(settings)
    if not settings.master_key:
        if not path.exists():
            raise Fault(f"there is none; `poolhouse init` makes one in {path}, or set {PREFIX}MASTER_KEY")
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Fault(f"others can read {path}; chmod 600 it")
    _within(settings, keycheck.verify)
    return "from the settings" if settings.master_key else str(path)


def _clock(settings: Settings) -> str:
    from sqlalchemy import text

    from poolhouse.core import clock, unit

    def skew() -> float:
        if unit.current().runtime.database.sqlite:
            return 0.0
        there = unit.execute(text("SELECT EXTRACT(EPOCH FROM clock_timestamp())")).scalar_one()
        return abs(float(there) - clock.now().timestamp())

    found = _within(settings, skew)
    if found > _SKEW_SECONDS:
        raise Fault(f"differs from the database's by {found:.0f} s; have both follow NTP, or tokens expire too early")
    return f"{clock.now():%Y-%m-%d %H:%M:%S} UTC"


def _callers(settings: Settings) -> str:
    from sqlalchemy import func, select

    from poolhouse.access.models import AccessKey
    from poolhouse.core import unit

    if settings.signing == "accept":
        raise Advice(f"everybody on this machine may do everything; {PREFIX}SIGNING=verify asks for a key")
    stored = select(func.count()).select_from(AccessKey).where(AccessKey.active)
    count = _within(settings, lambda: int(unit.execute(stored).scalar_one()))
    if not count and not settings.access_key_id:
        raise Fault("nobody has an access key; `poolhouse keys create NAME` makes one")
    return f"{count + bool(settings.access_key_id)} active access key(s)"


def _within(settings: Settings, work: Callable[[], T]) -> T:
    """``work()`` in a unit on the database as it is: nothing is migrated and no key is made by looking."""
    import flask

    try:
        _database(settings)
    except Fault:
        raise Fault("cannot be looked at without the database") from None
    from poolhouse.app import build_runtime
    from poolhouse.core import unit

    try:
        rt = build_runtime(flask.Flask("poolhouse", static_folder=None), settings)
    except SettingsError as error:
        raise Fault("; ".join(error.faults)) from None
    try:
        with unit.open(rt):
            return work()
    finally:
        rt.hashers.close()
        rt.database.engine.dispose()


def _mail(settings: Settings) -> str:
    from smtplib import SMTPException

    from poolhouse.messages.carriers import Smtp

    if settings.mailbox:
        raise Advice(f"nothing is sent; it is shown at {settings.public_url}/dev/mailbox")
    if not settings.smtp_url:
        raise Advice(f"nothing is sent, so that nobody gets a code; set {PREFIX}SMTP_URL")
    carrier = Smtp(settings.smtp_url.reveal(), settings.mail_from)
    try:
        connection = carrier.connect()
        connection.noop()
        connection.quit()
    except (SMTPException, OSError, ValueError) as error:
        raise Fault(f"{error}; correct {PREFIX}SMTP_URL") from None
    return "the server takes mail"


def _tls(settings: Settings) -> str:
    from poolhouse.cli import certificate

    if not settings.tls_cert:
        if settings.loopback or settings.public_url.startswith("https:"):
            return "a proxy's affair" if settings.public_url.startswith("https:") else "none, on loopback"
        raise Fault(f"passwords travel in the clear: a proxy with {PREFIX}PUBLIC_URL=https://…, or {PREFIX}TLS_CERT")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.tls_cert, settings.tls_key)
        if certificate.expires_within(Path(settings.tls_cert), 0):
            raise Fault(f"{settings.tls_cert} has expired; renew it")
        if certificate.expires_within(Path(settings.tls_cert), 14):
            raise Advice(f"{settings.tls_cert} expires within two weeks; renew it")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise Fault(f"{error}; {PREFIX}TLS_CERT and {PREFIX}TLS_KEY must be PEM files that belong together") from None
    return settings.tls_cert


def _saml() -> str:
    """The libraries of SAML are loaded when they are first needed: better to hear now that they do not fit."""
    from poolhouse.saml import second_lock

    try:
        return second_lock.libraries()
    except Exception as error:  # a loader's, or xmlsec's own when it was built for another libxml2
        raise Fault(f"{error}; install lxml, xmlsec and python3-saml anew, all three from wheels") from None
