"""MinIO, an S3 server not ours, as a process of its own; its STS asks this server for the keys of identities."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.interop.server import free_port

ROOT_USER, ROOT_PASSWORD = "minio-root", "minio-root-password"


def program() -> str | None:
    """Where MinIO is: what the variable MINIO names, on the path, or where `go install` puts programs."""
    places = os.environ.get("MINIO"), shutil.which("minio"), str(Path.home() / "go" / "bin" / "minio")
    return next((place for place in places if place and os.access(place, os.X_OK)), None)


@dataclass(frozen=True)
class Minio:
    """A running MinIO that believes one identity pool of ours."""

    url: str
    role_arn: str

    def s3(self, keys: Mapping[str, str] | None = None) -> Any:
        """boto3's S3 at MinIO: with credentials as cognito-identity gives them, without any as root."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"] if keys else ROOT_USER,
            aws_secret_access_key=keys["SecretKey"] if keys else ROOT_PASSWORD,
            aws_session_token=keys["SessionToken"] if keys else None,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )


@contextmanager
def running(issuer: str, audience: str, policy: Mapping[str, Any]) -> Iterator[Minio]:
    """MinIO that gives whoever shows a token of `issuer` for `audience` a role with that policy."""
    found = program()
    assert found is not None, "no MinIO: go install github.com/minio/minio@latest"
    data = Path(tempfile.mkdtemp(prefix="poolhouse-minio-"))
    # MinIO names the role after the client id that tokens are for.
    named = base64.urlsafe_b64encode(hashlib.sha1(audience.encode(), usedforsecurity=False).digest()).rstrip(b"=")
    minio = Minio(f"http://127.0.0.1:{(port := free_port())}", f"arn:minio:iam:::role/{named.decode()}")
    believing = {
        "MINIO_IDENTITY_OPENID_CONFIG_URL": f"{issuer}/.well-known/openid-configuration",
        "MINIO_IDENTITY_OPENID_CLIENT_ID": audience,
        "MINIO_IDENTITY_OPENID_ROLE_POLICY": "folder",
    }
    try:
        # The policy must be there before a role names it.
        with _process(found, data, port, {}):
            _add_policy(minio.url, "folder", policy)
        with _process(found, data, port, believing):
            yield minio
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def _process(found: str, data: Path, port: int, more: Mapping[str, str]) -> Iterator[None]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINIO_", "AWS_"))}
    environ = kept | {
        "MINIO_ROOT_USER": ROOT_USER,
        "MINIO_ROOT_PASSWORD": ROOT_PASSWORD,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "MINIO_CI_CD": "1",  # a directory on the system's own disk will do
        **more,
    }
    command = [found, "server", str(data / "disk"), "--address", f"127.0.0.1:{port}", "--quiet"]
    with (data / "output").open("ab") as output:
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _wait(process, f"http://127.0.0.1:{port}/minio/health/ready", data / "output")
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(process: subprocess.Popen[bytes], url: str, output: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"MinIO did not start:\n{output.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


def _add_policy(url: str, name: str, policy: Mapping[str, Any]) -> None:
    content = json.dumps(policy).encode()
    asked = AWSRequest("PUT", f"{url}/minio/admin/v3/add-canned-policy?name={name}", data=content)
    asked.headers["X-Amz-Content-Sha256"] = hashlib.sha256(content).hexdigest()
    SigV4Auth(Credentials(ROOT_USER, ROOT_PASSWORD), "s3", "us-east-1").add_auth(asked)
    answer = requests.put(asked.url, data=content, headers=dict(asked.headers.items()), timeout=20)
    assert answer.status_code == 200, answer.text
