"""Fill pools with users and identities by SQL: a million sign-ups through the server would take a day of bcrypt."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, insert

from bench.scenarios import sub
from poolhouse.core import clock, ids, sealing
from poolhouse.identity_pools.models import IdentityLogin, IdentityRow
from poolhouse.users.models import UserName, UserRow

BATCH = 10_000


def fill(database: Path, pool_id: str, size: int) -> float:
    """Insert `size` users into a pool that exists; the seconds it took. The server must not run."""
    return _filled(database, size, lambda connection, numbers: _insert(connection, pool_id, numbers))


def fill_identities(database: Path, identity_pool_id: str, provider: str, size: int) -> float:
    """Insert `size` identities, each with a login of `provider`, into an identity pool that exists, likewise."""

    def add(connection: Connection, numbers: range) -> None:
        now = clock.now()
        names = [f"us-east-1:{ids.uuid7()}" for _ in numbers]
        same = {"identity_pool_id": identity_pool_id, "created_at": now}
        rows = [{**same, "id": name, "enabled": True, "modified_at": now} for name in names]
        logins = [
            {**same, "provider": provider, "digest": sealing.sha256(name), "identity_id": name, "subject": None}
            for name in names
        ]
        connection.execute(insert(IdentityRow), rows)
        connection.execute(insert(IdentityLogin), logins)
        connection.commit()

    return _filled(database, size, add)


def _filled(database: Path, size: int, add: Callable[[Connection, range], None]) -> float:
    engine = create_engine(f"sqlite:///{database}")
    began = time.perf_counter()
    with engine.connect() as connection:
        # Nobody's data: what a power cut would lose is made again.
        connection.exec_driver_sql("PRAGMA synchronous=OFF")
        connection.exec_driver_sql("PRAGMA cache_size=-400000")
        connection.commit()
        for first in range(0, size, BATCH):
            add(connection, range(first, min(first + BATCH, size)))
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    engine.dispose()
    return time.perf_counter() - began


def _insert(connection: Connection, pool_id: str, numbers: range) -> None:
    users, names = UserRow.__table__, UserName.__table__
    assert isinstance(users, Table)
    assert isinstance(names, Table)
    connection.execute(insert(users), list(_users(pool_id, numbers)))
    connection.execute(
        insert(names), [{"pool_id": pool_id, "key": f"user{n:08d}", "kind": "username", "sub": sub(n)} for n in numbers]
    )
    connection.commit()


def _users(pool_id: str, numbers: range) -> Iterator[dict[str, Any]]:
    now = clock.now()
    for n in numbers:
        username = f"user{n:08d}"
        attributes = {"email": f"{username}@example.com", "email_verified": "true", "given_name": f"Given{n % 997}"}
        yield {
            "pool_id": pool_id,
            "sub": sub(n),
            "username": username,
            "username_key": username,
            "status": "CONFIRMED",
            "enabled": True,
            "attributes": attributes,
            "mfa": {},
            "created_at": now,
            "modified_at": now,
            "signed_out_at": None,
            "confirmed_by_code_at": None,
            "email": attributes["email"],
            "phone_number": None,
            "name": None,
            "given_name": attributes["given_name"].lower(),
            "family_name": None,
            "preferred_username": None,
        }
