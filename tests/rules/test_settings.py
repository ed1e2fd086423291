"""Settings: every fault at once, and every form in which a key may be written."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from poolhouse import settings
from poolhouse.settings import SettingsError

KEY = bytes(range(32))


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("="),
        KEY.hex(),
        KEY.hex().upper() + "\n",
    ],
)
def test_a_master_key_is_read_in_base64_and_hexadecimal(text: str) -> None:
    assert settings.decode_master_key(text) == KEY


@pytest.mark.parametrize("text", ["", "short", "é" * 32, base64.b64encode(KEY + KEY).decode(), KEY.hex()[:-2]])
def test_anything_else_is_no_master_key(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        settings.decode_master_key(text)


def test_every_fault_is_told_at_once() -> None:
    wrong = {
        "POOLHOUSE_PORT": "eighty",
        "POOLHOUSE_BCRYPT_ROUNDS": "3",
        "POOLHOUSE_REGION": "here",
        "POOLHOUSE_SIGNING": "accept",
        "POOLHOUSE_HOST": "0.0.0.0",
        "POOLHOUSE_NO_SUCH": "1",
        "POOLHOUSE_ACCESS_KEY_ID": "AKIA",
        "POOLHOUSE_MASTER_KEY_FILE": "/nowhere/at/all",
    }
    with pytest.raises(SettingsError) as refused:
        settings.load(wrong)
    named = {fault.split(":")[0] for fault in refused.value.faults}
    assert named == (wrong.keys() - {"POOLHOUSE_HOST", "POOLHOUSE_ACCESS_KEY_ID"}) | {"POOLHOUSE_SECRET_ACCESS_KEY"}


def test_a_secret_comes_from_a_file_and_is_never_seen(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY.hex() + "\n")
    loaded = settings.load({"POOLHOUSE_MASTER_KEY_FILE": str(tmp_path / "key"), "POOLHOUSE_DATA_DIR": str(tmp_path)})
    assert loaded.master_key.reveal() == KEY.hex()
    assert KEY.hex() not in repr(loaded)


def test_the_environment_is_stronger_than_the_file(tmp_path: Path) -> None:
    config = tmp_path / "poolhouse.toml"
    config.write_text('port = 9000\nregion = "eu-west-1"\n')
    loaded = settings.load({"POOLHOUSE_CONFIG": str(config), "POOLHOUSE_PORT": "9001"})
    assert (loaded.port, loaded.region, loaded.public_url) == (9001, "eu-west-1", "http://localhost:9001")


def test_providers_can_be_asked_elsewhere() -> None:
    text = "graph.facebook.com=https://proxy.example/fb/, accounts.google.com = http://localhost:9"
    named = settings.named_urls(settings.load({"POOLHOUSE_SOCIAL_ENDPOINTS": text}).social_endpoints)
    assert named == {"graph.facebook.com": "https://proxy.example/fb", "accounts.google.com": "http://localhost:9"}


@pytest.mark.parametrize("text", ["graph.facebook.com", "=https://a.example", "a=ftp://b", "a=https://b?c=d", "a="])
def test_where_else_must_be_said_as_a_name_and_a_url(text: str) -> None:
    with pytest.raises(SettingsError, match="SOCIAL_ENDPOINTS"):
        settings.load({"POOLHOUSE_SOCIAL_ENDPOINTS": text})
