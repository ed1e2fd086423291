"""``poolhouse init``: what a new installation needs, made once; a second time it only says what is there."""

from __future__ import annotations

import argparse
from pathlib import Path

from poolhouse import keycheck
from poolhouse.cli import opened
from poolhouse.settings import Settings

FIRST_USER = "admin"
FULL_RIGHTS = "arn:aws:iam::aws:policy/AdministratorAccess"


def init(options: argparse.Namespace) -> int:
    """Make the data directory, master key, tables and the first access key; say where they are."""
    settings = opened.load(options)
    data = Path(settings.data_dir).absolute()
    key_file = keycheck.key_file(settings)
    had_key = key_file.exists()
    with opened.server(settings) as rt:
        from poolhouse.core import unit

        with unit.open(rt):
            made = first_access_key(settings)
        database = rt.database.engine.url.render_as_string(hide_password=True)
    print(f"data directory  {data}")
    print(f"database        {database}")
    if settings.master_key:
        print("master key      from POOLHOUSE_MASTER_KEY")
    else:
        print(f"master key      {key_file}{'' if had_key else '  (new: keep a copy of it in a safe place)'}")
    if made:
        print(f"access key      {made[0]}")
        print(f"secret          {made[1]}  (shown this once)")
    elif settings.access_key_id:
        print(f"access key      {settings.access_key_id}, from POOLHOUSE_ACCESS_KEY_ID")
    else:
        print("access key      there are some: `poolhouse keys list`")
    print("\nNow `poolhouse doctor`, then `poolhouse serve`.")
    return 0


def first_access_key(settings: Settings) -> tuple[str, str] | None:
    """The id and secret of a key for a new administrator; None where somebody has a key already. Within a unit."""
    from sqlalchemy import select

    from poolhouse.access.models import AccessKey
    from poolhouse.core import unit

    if settings.access_key_id or unit.execute(select(AccessKey.id).limit(1)).first() is not None:
        return None
    return create_access_key(FIRST_USER)


def create_access_key(user: str) -> tuple[str, str]:
    """A new access key of ``user``, who is made with full rights if there is nobody of that name. Within a unit."""
    from poolhouse.access import iam_users, keys
    from poolhouse.core.errors import NoSuchEntity

    try:
        iam_users.require(user)
    except NoSuchEntity:
        iam_users.create(user)
        iam_users.attach(user, FULL_RIGHTS)
    key = keys.create(user)
    return key.id, key.secret.reveal()
