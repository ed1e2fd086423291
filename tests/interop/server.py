"""A server as its users run it: `poolhouse serve` in a process of its own, on a free port, over an empty database."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Correct-horse-9"


@dataclass(frozen=True)
class Live:
    """A running server and its administrator's key."""

    base: str
    key_id: str
    secret: str

    def administrator(self) -> Any:
        """A boto3 client of the AWS-compatible API, signing as the administrator."""
        return boto3.client("cognito-idp", aws_access_key_id=self.key_id, aws_secret_access_key=self.secret, **self.at)

    def anybody(self) -> Any:
        """The same without credentials, as an app on a phone has it."""
        from botocore import UNSIGNED

        return boto3.client("cognito-idp", config=Config(signature_version=UNSIGNED), **_without_config(self.at))

    @property
    def at(self) -> dict[str, Any]:
        retries = Config(retries={"max_attempts": 1, "mode": "standard"})
        return {"endpoint_url": self.base, "region_name": "us-east-1", "config": retries}

    @property
    def environ(self) -> dict[str, str]:
        """What an AWS tool takes from the environment."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def _without_config(at: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in at.items() if name != "config"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(database_url: str, *, counting: bool = False, **settings: str) -> Iterator[Live]:
    """Start the server, wait until it is healthy, end it by its pid; its output is shown when it fails.

    With `counting` every answer says how many SQL statements it cost (bench/serve.py).
    """
    data = Path(tempfile.mkdtemp(prefix="poolhouse-live-"))
    base = f"http://localhost:{(port := free_port())}"
    live = Live(base, "LIVETESTADMINISTRATOR", uuid.uuid4().hex)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POOLHOUSE_")} | {
        "POOLHOUSE_DATABASE_URL": database_url,
        "POOLHOUSE_DATA_DIR": str(data),
        "POOLHOUSE_PORT": str(port),
        "POOLHOUSE_WORKERS": "1",
        "POOLHOUSE_BCRYPT_ROUNDS": "4",
        "POOLHOUSE_ACCESS_KEY_ID": live.key_id,
        "POOLHOUSE_SECRET_ACCESS_KEY": live.secret,
        **{f"POOLHOUSE_{name.upper()}": value for name, value in settings.items()},
    }
    programs = Path(sys.executable).parent
    command = [str(programs / "poolhouse"), "serve"]
    if counting:
        command = [str(programs / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--blocking-threads", "4", "--no-ws", "bench.serve:app"]
    with (data / "output").open("wb") as output:
        process = subprocess.Popen(
            command, env=environ, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _wait(process, base, data / "output")
        yield live
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        said = (data / "output").read_text(errors="replace")
        shutil.rmtree(data, ignore_errors=True)
    # A client may have hidden it by trying again: whatever the server did not expect is a fault.
    assert "Traceback" not in said, said[-8000:]


def _wait(process: subprocess.Popen[bytes], base: str, output: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(base + "/healthz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the server did not start:\n{output.read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)
