"""Write the newest migration: what takes a database of the version before to the tables of every models.py.

python tools/migration.py            write the newest of server/poolhouse/migrations/versions
python tools/migration.py --check    exit 1 where it is not what the tables say

Once a version is out, its migration never changes: a new one begins as NEWEST, with its name, and the ones before stay.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import CreateTableOp, UpgradeOps
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.types import TypeDecorator

from poolhouse import migrations, tables

NEWEST, BEFORE, ABOUT = "0002_federation", "0001", "Federation, and what came with it"
FILE = migrations.VERSIONS / f"{NEWEST}.py"
HEADER = f'''"""{ABOUT}; written from the models by tools/migration.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{NEWEST[:4]}"
down_revision = "{BEFORE}"


def upgrade() -> None:
    """Go from {BEFORE} to {NEWEST[:4]}."""
'''


def text() -> str:
    """The migration's source."""
    with create_engine("sqlite://").connect() as connection:
        migrations.run(connection, BEFORE)
        # A column's type is compared by nobody: what the code knows of a type, SQLite's catalogue does not.
        options = {"compare_type": False, "render_as_batch": True}
        context = MigrationContext.configure(connection, opts=options)
        script = produce_migrations(context, tables.metadata)
    assert isinstance(script.upgrade_ops, UpgradeOps)
    for operation in script.upgrade_ops.ops:
        if isinstance(operation, CreateTableOp):
            operation.info.clear()  # what the code notes about a table is nothing to the database
    code = render_python_code(script.upgrade_ops, render_as_batch=True, render_item=_plain, migration_context=context)
    body = "\n".join(line for line in code.splitlines() if not line.strip().startswith("#"))
    return _formatted(HEADER + "    " + body.lstrip() + "\n")


def _plain(kind: str, item: Any, context: AutogenContext) -> str | bool:  # noqa: ARG001 - Alembic's hook
    """A type of ours as the column it is stored in: an old migration must not change when the code does."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def _formatted(source: str) -> str:
    ruff = Path(sys.executable).with_name("ruff")
    command = [ruff, "format", "--stdin-filename", FILE, "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Write the file; with ``--check``, only say whether it is stale."""
    if FILE.exists() and FILE.read_text("utf-8") == text():
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{FILE.name} is not what the models say: run `python tools/migration.py`")
        return 1
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), "utf-8")
    print(f"wrote {FILE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
