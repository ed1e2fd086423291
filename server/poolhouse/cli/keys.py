"""``poolhouse keys``: signing keys of pools, access keys of administrators, the master key."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from poolhouse import keycheck
from poolhouse.cli import opened
from poolhouse.settings import Settings

if TYPE_CHECKING:
    from poolhouse.core.runtime import Runtime


def keys(options: argparse.Namespace) -> int:
    """Do what ``options.action`` says."""
    settings = opened.load(options)
    from poolhouse.core.errors import PoolhouseError

    if options.action == "rotate-master":
        return _rotate_master(settings, options)
    try:
        with opened.server(settings) as rt:
            if options.action == "reseal":
                return _reseal(rt)
            from poolhouse.core import unit

            with unit.open(rt):
                return {
                    "list": _list,
                    "rotate": _rotate,
                    "create": _create,
                    "enable": _switch,
                    "disable": _switch,
                    "delete": _delete,
                }[options.action](options)
    except PoolhouseError as error:
        print(error, file=sys.stderr)
        return 1


def _list(options: argparse.Namespace) -> int:
    from sqlalchemy import select

    from poolhouse.access.models import AccessKey
    from poolhouse.core import clock, unit
    from poolhouse.tokens.models import StoredSigningKey
    from poolhouse.user_pools import lookup

    if not options.pool:
        for row in unit.execute(select(AccessKey.__table__).order_by(AccessKey.created_at)):
            print(
                f"{row.id}  {row.user_name:<24} {'active' if row.active else 'disabled':<8}  {row.created_at:%Y-%m-%d}"
            )
        return 0
    lookup.pool(options.pool)
    stored = select(StoredSigningKey.__table__).where(StoredSigningKey.pool_id == options.pool)
    for row in unit.execute(stored.order_by(StoredSigningKey.purpose, StoredSigningKey.active_from)):
        now = clock.now()
        state = f"signs from {row.active_from:%Y-%m-%d %H:%M} UTC"
        if row.active_from <= now:
            state = "signs" if row.retire_at is None or row.retire_at - now > timedelta(hours=25) else "verifies"
        until = f", verifies until {row.retire_at:%Y-%m-%d %H:%M} UTC" if row.retire_at else ""
        print(f"{row.kid}  {row.purpose:<6} {row.alg:<5}  {state}{until}")
    return 0


def _rotate(options: argparse.Namespace) -> int:
    from poolhouse.tokens import keys as signing_keys

    ahead = timedelta(0) if options.at_once else signing_keys.PUBLISHED_AHEAD
    for purpose in signing_keys.PURPOSES if options.purpose == "both" else (options.purpose,):
        kid = signing_keys.rotate(options.pool, purpose, ahead=ahead)
        when = "signs now" if options.at_once else f"is published, and signs in {ahead.seconds // 60} minutes"
        print(f"{kid}  {purpose:<6} {when}")
    return 0


def _create(options: argparse.Namespace) -> int:
    from poolhouse.cli import init

    key_id, secret = init.create_access_key(options.user)
    print(f"access key  {key_id}\nsecret      {secret}  (shown this once)")
    return 0


def _switch(options: argparse.Namespace) -> int:
    from poolhouse.access import keys as access_keys

    access_keys.set_active(options.key, options.action == "enable")
    print(f"{options.key} is {options.action}d")
    return 0


def _delete(options: argparse.Namespace) -> int:
    from poolhouse.access import keys as access_keys

    access_keys.delete(options.key)
    print(f"{options.key} is gone")
    return 0


def _rotate_master(settings: Settings, options: argparse.Namespace) -> int:
    if settings.master_key:
        print(
            "The master key comes from POOLHOUSE_MASTER_KEY. Set a new one there and the present one in\n"
            "POOLHOUSE_MASTER_KEY_PREVIOUS, restart the server, then run `poolhouse keys reseal`. A new one:\n\n"
            f"  {keycheck.new_key()}",
        )
        return 1
    with opened.server(settings):
        pass  # the present key is this database's, or we are told before anything is changed
    path = keycheck.rotate_file(settings)
    print(f"new master key in {path}, its predecessor in {keycheck.former_file(settings)}")
    with opened.server(opened.load(options)) as rt:
        _reseal(rt)
    print("Restart the server. Codes that are on their way have to be asked for again.")
    return 0


def _reseal(rt: Runtime) -> int:
    from poolhouse import resealing

    done = resealing.reseal(rt)
    for table, count in done.items():
        print(f"sealed anew: {count} in {table}")
    if not done:
        print("everything is sealed with the present master key")
    return 0
