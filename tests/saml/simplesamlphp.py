"""SimpleSAMLphp as an enterprise runs it, provider and application in one, under the web server that PHP has."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.saml.party import KeyPair

PLACES = (
    Path("/usr/share/simplesamlphp"),  # Debian's package, installed
    Path(__file__).parents[2] / "build/simplesamlphp/usr/share/simplesamlphp",  # the same, unpacked (see .ci/run)
)
PASSWORD = "Enterprise-Horse-7"

_CONFIG = """<?php
$config = json_decode(file_get_contents(__DIR__ . '/config.json'), true);
"""
_SOURCES = """<?php
$config = [
    'admin' => ['core:AdminPassword'],
    'people' => ['exampleauth:UserPass'] + json_decode(file_get_contents(__DIR__ . '/people.json'), true),
    'app' => ['saml:SP'] + json_decode(file_get_contents(__DIR__ . '/app.json'), true),
];
"""
_HOSTED = """<?php
$metadata['__DYNAMIC:1__'] = json_decode(file_get_contents(__DIR__ . '/../hosted.json'), true);
"""


@dataclass
class SimpleSamlPhp:
    """A running provider. ``people`` are attributes by username, for everybody the same password; then ``save``."""

    directory: Path
    url: str
    process: subprocess.Popen[bytes]
    people: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    name_id_attribute: str = "uid"
    app_idp: str = ""  # the entity id of whoever its own application sends people to
    encrypt: bool = False
    want_signed_requests: bool = False
    _known: list[Path] = field(default_factory=list)
    _certificate: str = "idp-1"

    @property
    def entity_id(self) -> str:
        return f"{self.url}/saml2/idp/metadata.php"

    @property
    def metadata_url(self) -> str:
        return self.entity_id

    @property
    def app_entity_id(self) -> str:
        """What it is called where it is an application itself (a service provider)."""
        return f"{self.url}/app"

    @property
    def app_metadata(self) -> bytes:
        """What it publishes as an application."""
        with urllib.request.urlopen(f"{self.url}/module.php/saml/sp/metadata.php/app", timeout=30) as answer:
            return bytes(answer.read())

    @property
    def app_url(self) -> str:
        """The application's page: it shows what ``app_idp`` says of whoever signs in."""
        return f"{self.url}/module.php/core/authenticate.php?as=app"

    @property
    def metadata(self) -> bytes:
        """What it publishes."""
        with urllib.request.urlopen(self.metadata_url, timeout=30) as answer:
            return bytes(answer.read())

    def know(self, name: str, metadata: bytes) -> None:
        """Trust a party by its metadata."""
        path = self.directory / f"known-{name}.xml"
        path.write_bytes(metadata)
        if path not in self._known:
            self._known.append(path)
        self.save()

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish that alone."""
        self._certificate = f"idp-{int(self._certificate[4:]) + 1}"
        KeyPair.make(self.directory / "cert", self._certificate)
        self.save()

    def save(self) -> None:
        """Write what it is configured with; it reads all of it for each request."""
        at, people = self.directory, {}
        for username, attributes in self.people.items():
            people[f"{username}:{PASSWORD}"] = {"uid": [username], **attributes}
        (at / "config/people.json").write_text(json.dumps(people or {"nobody:nothing": {"uid": ["nobody"]}}))
        (at / "config/app.json").write_text(
            json.dumps(
                {
                    "entityID": self.app_entity_id,
                    "idp": self.app_idp or None,
                    "privatekey": f"{self._certificate}.key.pem",
                    "certificate": f"{self._certificate}.pem",
                    "sign.authnrequest": True,
                    "sign.logout": True,
                    "validate.logout": True,
                    "WantAssertionsSigned": True,
                    "signature.algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                    "NameIDPolicy": False,
                }
            )
        )
        (at / "config/hosted.json").write_text(
            json.dumps(
                {
                    "host": "__DEFAULT__",
                    "auth": "people",
                    "privatekey": f"{self._certificate}.key.pem",
                    "certificate": f"{self._certificate}.pem",
                    "NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
                    "authproc": {
                        "3": {
                            "class": "saml:AttributeNameID",
                            "attribute": self.name_id_attribute,
                            "Format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
                        }
                    },
                    "attributes.NameFormat": "urn:oasis:names:tc:SAML:2.0:attrname-format:basic",
                    "validate.authnrequest": self.want_signed_requests,
                    "redirect.sign": True,
                    "sign.logout": True,
                    "validate.logout": True,
                    "assertion.encryption": self.encrypt,
                    "sharedkey_algorithm": "http://www.w3.org/2009/xmlenc11#aes256-gcm",
                }
            )
        )
        sources: list[dict[str, str]] = [{"type": "flatfile", "directory": str(at / "config/metadata")}]
        sources += [{"type": "xml", "file": str(path)} for path in self._known]
        (at / "config/config.json").write_text(
            json.dumps(
                {
                    "baseurlpath": f"{self.url}/",
                    "certdir": str(at / "cert") + "/",
                    "loggingdir": str(at / "log") + "/",
                    "datadir": str(at / "data") + "/",
                    "tempdir": str(at / "temp"),
                    "metadatadir": str(at / "config/metadata") + "/",
                    "secretsalt": "a-salt-of-the-tests",
                    "auth.adminpassword": "an-administrator-of-the-tests",
                    "timezone": "UTC",
                    "logging.handler": "file",
                    "logging.level": 5,
                    "showerrors": True,
                    "errorreporting": False,
                    "enable.saml20-idp": True,
                    "module.enable": {"exampleauth": True, "core": True, "saml": True},
                    "session.cookie.secure": False,
                    "session.cookie.samesite": None,
                    "session.phpsession.savepath": str(at / "sessions"),
                    "session.phpsession.cookiename": "SimpleSAML",
                    "store.type": "phpsession",
                    "trusted.url.domains": None,
                    "language.default": "en",
                    "language.available": ["en"],
                    "theme.use": "default",
                    "metadata.sources": sources,
                }
            )
        )

    @property
    def log(self) -> str:
        """What it wrote down."""
        files = [*sorted((self.directory / "log").glob("*.log")), self.directory / "output"]
        return "\n".join(file.read_text(errors="replace")[-4000:] for file in files if file.exists())


def installed() -> Path:
    """Where the program is; the test is skipped where it is missing."""
    if shutil.which("php") is None:
        pytest.skip("PHP is missing (on Debian: apt-get install php-cli php-xml): SimpleSAMLphp runs under it")
    for place in PLACES:
        if (place / "www/saml2/idp").is_dir():
            return place
    pytest.skip("SimpleSAMLphp is missing: install Debian's simplesamlphp, or unpack it as .ci/run does")


@contextmanager
def simplesamlphp(directory: Path) -> Iterator[SimpleSamlPhp]:
    """The provider while it is needed: a process of its own, configured in ``directory``."""
    program = installed()
    for name in ("config/metadata", "cert", "log", "data", "temp", "sessions"):
        (directory / name).mkdir(parents=True)
    KeyPair.make(directory / "cert", "idp-1")
    (directory / "config/config.php").write_text(_CONFIG)
    (directory / "config/authsources.php").write_text(_SOURCES)
    (directory / "config/metadata/saml20-idp-hosted.php").write_text(_HOSTED)
    idp = _started(program, directory)
    try:
        yield idp
    finally:
        _end(idp.process)


def _started(program: Path, directory: Path) -> SimpleSamlPhp:
    """PHP's web server on a free port, which somebody else may take before it does: then on another."""
    for _ in range(3):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environ = {**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(directory / "config"), "PHP_CLI_SERVER_WORKERS": "2"}
        command = ["php", "-d", "display_errors=0", "-d", "log_errors=1", "-S", f"127.0.0.1:{port}", "-t", "www"]
        with (directory / "output").open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=program,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # its workers are processes of their own: ended together
            )
        idp = SimpleSamlPhp(directory, f"http://localhost:{port}", process)
        idp.save()
        try:
            _wait(idp)
        except AssertionError:
            _end(process)
            if "Address already in use" not in idp.log:
                raise
        else:
            return idp
    raise AssertionError(f"no port stays free for SimpleSAMLphp\n{idp.log}")


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _wait(idp: SimpleSamlPhp, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    said: Any = None
    while time.monotonic() < deadline and idp.process.poll() is None:
        try:
            assert b"EntityDescriptor" in idp.metadata
            return
        except urllib.error.HTTPError as refused:
            said = refused.read().decode(errors="replace")
            break
        except (urllib.error.URLError, OSError) as fault:
            said = fault
            time.sleep(0.05)
    raise AssertionError(f"SimpleSAMLphp did not start: {said}\n{idp.log}")
