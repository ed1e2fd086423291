"""npm's ``oidc-provider``, a certified OpenID provider, in a process of its own: a real upstream to sign in through.

How to use it (the fixture is in conftest.py)::

    def test_something(world, pool, upstream):
        upstream.accounts(ann={"email": "ann@example.com", "email_verified": True, "name": "Ann"})
        client = upstream.register(f"{world.url}/{pool.id}/oauth2/idpresponse")
        pool.idp.create_identity_provider(
            UserPoolId=pool.id, ProviderName="Okta", ProviderType="OIDC", ProviderDetails=upstream.details(client), ...
        )

Its pages are plain forms: whoever types a name (any password) is that person, the next page asks for consent and has a
link "[ Cancel ]". :meth:`Upstream.visit` fills them in without a browser; ``upstream.rotate()`` changes its key.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests

from tests.federation.fake import Returned
from tests.oidc import _Forms

HERE = Path(__file__).parents[1] / "interop"


class Upstream:
    """The running provider."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.issuer = str(self._said()["issuer"])

    def _said(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "oidc-provider ended"
        return dict(json.loads(line))

    def _tell(self, **command: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        self._said()

    def accounts(self, **claims: dict[str, Any]) -> None:
        """What it says of people from now on, by the name they sign in with, which is also their ``sub``."""
        self._tell(accounts=claims)

    def rotate(self) -> None:
        """Sign with a new key, and publish that one only."""
        self._tell(rotate=True)

    def register(self, *redirect_uris: str, **metadata: Any) -> dict[str, Any]:
        """A client (RFC 7591), by default with its secret in the form; what the provider says of it."""
        wanted = {
            "redirect_uris": list(redirect_uris),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_post",
            **metadata,
        }
        answer = requests.post(f"{self.issuer}/reg", json=wanted, timeout=10)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def details(self, client: dict[str, Any], **more: str) -> dict[str, str]:
        """ProviderDetails for CreateIdentityProvider: the issuer alone, the rest is discovered."""
        return {
            "client_id": client["client_id"],
            "client_secret": client.get("client_secret", ""),
            "authorize_scopes": "openid email profile",
            "attributes_request_method": "GET",
            "oidc_issuer": self.issuer,
            **more,
        }

    def visit(self, address: str, login: str = "", *, cancel: bool = False) -> Returned:
        """Go to an authorization address, sign in as ``login`` and consent (or cancel): where that led back to."""
        with requests.Session() as browser:
            answer = browser.get(address, allow_redirects=False, timeout=10)
            for _ in range(12):
                if location := answer.headers.get("Location"):
                    address = urljoin(address, location)
                    if not address.startswith(self.issuer):
                        parts = urlsplit(address)
                        shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
                        return Returned(shown, dict(parse_qsl(parts.query)))
                    answer = browser.get(address, allow_redirects=False, timeout=10)
                    continue
                forms = _Forms(answer.text).forms
                if answer.status_code != 200 or not forms:
                    return Returned(address, {}, page=answer.text, status=answer.status_code)
                if cancel:
                    address = address + "/abort"
                    answer = browser.get(address, allow_redirects=False, timeout=10)
                    continue
                fields = forms[0]["fields"]
                fields |= {name: value for name, value in (("login", login), ("password", "x")) if name in fields}
                address = urljoin(address, forms[0]["action"])
                answer = browser.post(address, data=fields, allow_redirects=False, timeout=10)
        raise AssertionError(f"oidc-provider sends the browser around: {address}")


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """The provider, started once."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is missing: install it (20 or newer) to run oidc-provider")
    if not (HERE / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("oidc-provider is missing: npm ci --prefix tests/interop")
    environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    process = subprocess.Popen(
        [node, "oidc_provider.mjs"],
        cwd=HERE,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Upstream(process)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()  # its input ends, and so does it
        process.wait(20)
        process.stdout.close()
