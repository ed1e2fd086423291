"""The master key: where it comes from, and whether it is the one that this database was sealed with."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core import runtime, sealing, unit
from poolhouse.core.db import Base
from poolhouse.settings import MASTER_KEY_BYTES, PREFIX, Settings, SettingsError, decode_master_key

KEY_FILE = "master.key"
_PURPOSE = "master key check"
_PLAIN = b"this database was sealed with this master key"
_made: set[Path] = set()  # key files that this process made: taken back if the database has another key


class MasterKeyCheck(Base):
    """One row, sealed with the master key: a wrong key is told at start, not at the first sign-in."""

    __tablename__ = "master_key_check"
    id: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]


def key_file(settings: Settings) -> Path:
    """Where the master key is kept when no setting gives one."""
    return Path(settings.data_dir).absolute() / KEY_FILE


def master_keys(settings: Settings) -> tuple[bytes, tuple[bytes, ...]]:
    """The master key and its predecessors: from the settings, else from the key file, which is made if missing.

    Raises SettingsError.
    """
    former = [key.strip() for key in settings.master_key_previous.reveal().split(",") if key.strip()]
    if not settings.master_key and former_file(settings).exists():
        former += former_file(settings).read_text("ascii").split()
    present = settings.master_key.reveal() or _from_file(key_file(settings))
    return decode_master_key(present), tuple(decode_master_key(key) for key in former)


def former_file(settings: Settings) -> Path:
    """Where the predecessors of the key in the key file are kept, a line each."""
    return key_file(settings).with_name(KEY_FILE + ".previous")


def rotate_file(settings: Settings) -> Path:
    """Put a new key into the key file; its predecessor is kept first, so that at no moment anything is lost."""
    path, former = key_file(settings), former_file(settings)
    kept = former.read_text("ascii") if former.exists() else ""
    _replace(former, kept + path.read_text("ascii").strip() + "\n")
    _replace(path, new_key() + "\n")
    return path


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)


def new_key() -> str:
    """32 random bytes in base64."""
    return base64.b64encode(os.urandom(MASTER_KEY_BYTES)).decode("ascii")


def write_new(path: Path, key: str) -> bool:
    """Keep ``key`` in a new file that its owner alone can read; False if there is one, which stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(key + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        # A link, not a rename: of several workers that start at once, the first one's key is everybody's.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def _from_file(path: Path) -> str:
    if not path.exists() and write_new(path, new_key()):
        _made.add(path)
    try:
        text = path.read_text("ascii").strip()
        decode_master_key(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            [f"{PREFIX}MASTER_KEY: {path} cannot be read ({error}); give it back to this user"]
        ) from None
    except ValueError as error:
        raise SettingsError([f"{PREFIX}MASTER_KEY: {path} {error}"]) from None
    return text


def verify() -> None:
    """Refuse a master key that is not this database's; remember the key of a new database. Within a unit.

    Raises SettingsError.
    """
    sealed = _stored()
    if sealed is None:
        unit.write()
        try:
            unit.execute(insert(MasterKeyCheck).values(id=1, sealed=sealing.seal(_PURPOSE, _PLAIN)))
            return
        except IntegrityError:  # another worker, starting at the same moment
            unit.current().rollback()
            sealed = _stored()
    if sealed is None or not _opens(sealed):
        raise SettingsError([_wrong()])


def _stored() -> bytes | None:
    row = unit.execute(select(MasterKeyCheck.sealed).where(MasterKeyCheck.id == 1)).first()
    return None if row is None else bytes(row.sealed)


def _opens(sealed: bytes) -> bool:
    try:
        return sealing.open_(_PURPOSE, sealed) == _PLAIN
    except sealing.SealBroken:
        return False


def _wrong() -> str:
    settings = runtime.current().settings
    path = key_file(settings)
    if path in _made:
        _made.discard(path)
        path.unlink(missing_ok=True)
        where = f"there is none in {path}, and a new one opens nothing: put the former key back there, or set it"
    elif settings.master_key:
        where = "it is not the one that this database was sealed with: set that one"
    else:
        where = f"the one in {path} is not the one that this database was sealed with: put that one back"
    return f"{PREFIX}MASTER_KEY: {where}; after a rotation, the former key belongs in {PREFIX}MASTER_KEY_PREVIOUS"
