"""Fill a pool with users by SQL, through the server's own tables: a million sign-ups would take a day of bcrypt."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, insert

from bench.scenarios import sub
from poolhouse.core import clock
from poolhouse.users.models import UserName, UserRow

BATCH = 10_000


def fill(database: Path, pool_id: str, size: int) -> float:
    """Insert `size` users into a pool that exists; the seconds it took. The server must not run."""
    engine = create_engine(f"sqlite:///{database}")
    began = time.perf_counter()
    with engine.connect() as connection:
        # Nobody's data: what a power cut would lose is made again.
        connection.exec_driver_sql("PRAGMA synchronous=OFF")
        connection.exec_driver_sql("PRAGMA cache_size=-400000")
        connection.commit()
        for first in range(0, size, BATCH):
            _insert(connection, pool_id, range(first, min(first + BATCH, size)))
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
