"""Every setting of the server: read once at start from TOML and the environment, all faults reported together."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

PREFIX = "POOLHOUSE_"
MASTER_KEY_BYTES = 32


class Secret(str):
    """A string that is not to be seen: its ``repr`` is ``…``; ``reveal()`` gives it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "…"

    def reveal(self) -> str:
        """The secret itself, as a plain string."""
        return str.__str__(self)


class SettingsError(Exception):
    """The settings are wrong; ``faults`` names each fault, the setting and its cure."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _setting(default: Any, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, by their name in TOML; in the environment each is ``POOLHOUSE_`` and the name in capitals."""

    database_url: str = _setting("", "SQLAlchemy URL of the database; empty: SQLite in data_dir.")
    public_url: str = _setting("", "Where browsers and clients reach this server; empty: http://localhost:<port>.")
    issuer_base: str = _setting("", "What tokens name as issuer, before /<pool id>; empty: public_url.")
    identity_issuer: str = _setting(
        "https://cognito-identity.amazonaws.com",
        "Issuer in identities' tokens; public_url for an STS that looks there.",
    )
    guests_an_hour: int = _setting(1000, "New guest identities that one address may make in an hour; 0: any number.")
    api_endpoint: str = _setting("", "Where the AWS-compatible API is reached; empty: public_url.")
    domain_suffix: str = _setting("", "Host suffix of pool domains: acme becomes acme.<suffix>; empty: paths only.")
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8080, "Port to listen on.")
    workers: int = _setting(0, "Worker processes; 0: one a core.")
    threads: int = _setting(32, "Requests that one worker serves at the same time.")
    master_key: Secret = _setting(Secret(""), "32 bytes (base64, hex) that seal secrets; empty: data_dir/master.key.")
    master_key_previous: Secret = _setting(Secret(""), "Former master keys, comma separated, while rotating.")
    access_key_id: str = _setting("", "Access key id of the first administrator.")
    secret_access_key: Secret = _setting(Secret(""), "Secret access key of the first administrator.")
    region: str = _setting("us-east-1", "Region that identifiers and ARNs name.")
    account_id: str = _setting("000000000000", "Account, twelve digits, that ARNs name.")
    signing: Literal["verify", "accept"] = _setting(
        "verify", "verify: check SigV4; accept: believe any signature (only when listening on loopback)."
    )
    bcrypt_rounds: int = _setting(12, "Cost of password hashes, 4 to 16.")
    smtp_url: Secret = _setting(Secret(""), "smtp://user:password@host:port or smtps://…; empty: no mail leaves.")
    mail_from: str = _setting("Poolhouse <no-reply@localhost>", "Sender of mail.")
    data_dir: str = _setting("data", "Directory of the embedded database and the master key.")
    tls_cert: str = _setting("", "Certificate chain file (PEM), to serve https without a proxy.")
    tls_key: str = _setting("", "Private key file (PEM) of tls_cert.")
    trusted_proxies: int = _setting(0, "How many reverse proxies in front may be believed on X-Forwarded-*.")
    log_level: str = _setting("info", "debug, info, warning or error.")
    dev_mailbox: bool | None = _setting(None, "Show sent mail at /dev/mailbox; unset: only on loopback without SMTP.")
    outbound_private: bool | None = _setting(
        None, "Fetch keys and credentials from private addresses too; unset: only while public_url is on loopback."
    )
    social_endpoints: str = _setting("", "Where else identity pools ask providers: graph.facebook.com=URL, by commas.")
    cache_seconds: float = _setting(1.0, "How soon a change made by another process is seen, at the latest.")
    sqlite_synchronous: Literal["full", "normal"] = _setting("full", "SQLite's durability: full survives power loss.")
    signing_key_days: int = _setting(365, "Days after which signing keys are rotated, with overlap; 0: by command.")
    pool_connections: int = _setting(8, "Database connections that one worker keeps.")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the listening socket."""
        return is_loopback(self.host)

    @property
    def scheme(self) -> str:
        """``https`` where certificate files are given."""
        return "https" if self.tls_cert else "http"

    @property
    def mailbox(self) -> bool:
        """Whether the development mailbox is shown."""
        return (self.loopback and not self.smtp_url) if self.dev_mailbox is None else self.dev_mailbox

    @property
    def reaches_private(self) -> bool:
        """Whether requests of ours may go to private addresses."""
        if self.outbound_private is None:
            return is_loopback(urlsplit(self.public_url).hostname or "")
        return self.outbound_private

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach us by https, so that cookies may demand it."""
        return self.public_url.startswith("https:")

    @property
    def arn_prefix(self) -> str:
        """``arn:aws:cognito-idp:<region>:<account>`` that ARNs of user pools begin with."""
        return f"arn:aws:cognito-idp:{self.region}:{self.account_id}"


@lru_cache(maxsize=8)
def named_urls(text: str) -> Mapping[str, str]:
    """``name=URL, name=URL`` as a mapping; ValueError for anything else."""
    named = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, url = (piece.strip() for piece in part.partition("="))
        if fault := _url_fault(url, ("http", "https")) if name else "has no name":
            raise ValueError(f"{part} {fault}")
        named[name] = url.rstrip("/")
    return named


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def default_config(environ: Mapping[str, str]) -> Path | None:
    """The TOML file to read: ``POOLHOUSE_CONFIG`` if set."""
    named = environ.get(PREFIX + "CONFIG", "")
    return Path(named) if named else None


def load(environ: Mapping[str, str] | None = None, toml_path: Path | None = None, **overrides: Any) -> Settings:
    """The settings from ``toml_path`` (default ``POOLHOUSE_CONFIG``), then the environment, then ``overrides``.

    ``POOLHOUSE_<NAME>_FILE`` names a file that holds the value, as container secrets do. Raises
    :class:`SettingsError` with every fault found, never just the first.
    """
    environ = os.environ if environ is None else environ
    faults: list[str] = []
    values: dict[str, Any] = {}
    known = {f.name: f for f in fields(Settings)}
    _read_toml(toml_path or default_config(environ), known, values, faults)
    _read_environment(environ, known, values, faults)
    values.update(overrides)
    typed: dict[str, Any] = {}
    for name, raw in values.items():
        try:
            convert: Callable[[Any], Any] = _CONVERT.get(str(known[name].type), _text)
            typed[name] = convert(raw)
        except ValueError as error:
            faults.append(f"{PREFIX}{name.upper()}: {error}")
    settings = Settings(**typed)
    settings = _with_derived(settings)
    faults.extend(_faults(settings))
    if faults:
        raise SettingsError(faults)
    return settings


def _read_toml(path: Path | None, known: Mapping[str, Any], values: dict[str, Any], faults: list[str]) -> None:
    if path is None:
        return
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{PREFIX}CONFIG: {path} cannot be read ({error}); name a readable TOML file")
        return
    except tomllib.TOMLDecodeError as error:
        faults.append(f"{PREFIX}CONFIG: {path} is not TOML: {error}")
        return
    for name, value in table.items():
        if name not in known:
            faults.append(f"{name} in {path}: no such setting; see docs/reference/settings.md for those that exist")
        else:
            values[name] = value


def _read_environment(
    environ: Mapping[str, str], known: Mapping[str, Any], values: dict[str, Any], faults: list[str]
) -> None:
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable == PREFIX + "CONFIG":
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name in known:
            if value != "":
                values[name] = value
        elif name.endswith("_file") and name.removesuffix("_file") in known:
            if value == "":
                continue
            if environ.get(variable.removesuffix("_FILE")):
                faults.append(f"{variable}: {variable.removesuffix('_FILE')} is set too; keep one of the two")
                continue
            try:
                values[name.removesuffix("_file")] = Path(value).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                faults.append(f"{variable}: {value} cannot be read ({error}); name a readable file")
        else:
            faults.append(f"{variable}: no such setting; see docs/reference/settings.md for those that exist")


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"must be text, not {type(raw).__name__}")
    if "\x00" in raw:
        raise ValueError("must not contain a NUL character")
    return raw


def _number(raw: Any) -> int:
    if isinstance(raw, bool) or not re.fullmatch(r"-?[0-9]{1,9}", str(raw)):
        raise ValueError(f"must be a whole number, not {raw!r}")
    return int(raw)


def _real(raw: Any) -> float:
    if isinstance(raw, bool) or not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", str(raw)):
        raise ValueError(f"must be a number of seconds, not {raw!r}")
    return float(raw)


def _truth(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if str(raw).lower() not in words:
        raise ValueError(f"must be true or false, not {raw!r}")
    return words[str(raw).lower()]


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "int": _number,
    "float": _real,
    "bool | None": _truth,
    "Secret": lambda raw: Secret(_text(raw)),
}


def _with_derived(settings: Settings) -> Settings:
    """``settings`` with everything filled in that follows from something else."""
    import dataclasses

    host = "localhost" if settings.loopback or settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
    public = (settings.public_url or f"{settings.scheme}://{host}:{settings.port}").rstrip("/")
    return dataclasses.replace(
        settings,
        public_url=public,
        issuer_base=(settings.issuer_base or public).rstrip("/"),
        identity_issuer=settings.identity_issuer.rstrip("/"),
        api_endpoint=(settings.api_endpoint or public).rstrip("/"),
        domain_suffix=settings.domain_suffix.strip(".").lower(),
        database_url=settings.database_url or f"sqlite:///{Path(settings.data_dir).absolute() / 'poolhouse.db'}",
        workers=settings.workers or (os.cpu_count() or 1),
    )


def decode_master_key(text: str) -> bytes:
    """The 32 bytes that ``text`` stands for, in base64 (either alphabet) or hexadecimal; ValueError otherwise."""
    text = text.strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise ValueError("must be 32 bytes in base64; `poolhouse init` makes one") from None
    if len(key) != MASTER_KEY_BYTES:
        raise ValueError(f"must be 32 bytes in base64, not {len(key)}; `poolhouse init` makes one")
    return key


def _url_fault(url: str, schemes: tuple[str, ...]) -> str | None:
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return "is not a URL"
    if parts.scheme not in schemes or not parts.hostname or not port_is_valid:
        return f"must be {' or '.join(s + '://host' for s in schemes)}, not {url!r}"
    if parts.query or parts.fragment:
        return "must have no query and no fragment"
    return None


def _faults(s: Settings) -> list[str]:
    """All that is wrong with ``s``: a row a rule."""
    keys = [k for k in [s.master_key.reveal(), *s.master_key_previous.reveal().split(",")] if k]
    database = s.database_url.split("://", 1)[0].split("+", 1)[0]
    rows: list[tuple[bool, str, str]] = [
        (database not in {"sqlite", "postgresql"}, "DATABASE_URL", "must begin with sqlite:/// or postgresql://"),
        (not 1 <= s.port <= 65535, "PORT", f"must be 1 to 65535, not {s.port}"),
        (not 1 <= s.workers <= 256, "WORKERS", f"must be 0 to 256, not {s.workers}"),
        (not 1 <= s.threads <= 512, "THREADS", f"must be 1 to 512, not {s.threads}"),
        (not 1 <= s.pool_connections <= 256, "POOL_CONNECTIONS", f"must be 1 to 256, not {s.pool_connections}"),
        (not 0 <= s.signing_key_days <= 36500, "SIGNING_KEY_DAYS", f"must be 0 to 36500, not {s.signing_key_days}"),
        (not 4 <= s.bcrypt_rounds <= 16, "BCRYPT_ROUNDS", f"must be 4 to 16, not {s.bcrypt_rounds}"),
        (s.guests_an_hour < 0, "GUESTS_AN_HOUR", f"must be 0 or more, not {s.guests_an_hour}"),
        (not 0 <= s.trusted_proxies <= 10, "TRUSTED_PROXIES", f"must be 0 to 10, not {s.trusted_proxies}"),
        (s.signing not in {"verify", "accept"}, "SIGNING", f"must be verify or accept, not {s.signing!r}"),
        (
            s.signing == "accept" and not s.loopback,
            "SIGNING",
            f"accept would give everybody on {s.host} all rights; listen on 127.0.0.1 or set verify",
        ),
        (
            bool(s.dev_mailbox) and not s.loopback,
            "DEV_MAILBOX",
            f"would show everybody on {s.host} the mailed codes; listen on 127.0.0.1 or unset it",
        ),
        (
            not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]", s.region),
            "REGION",
            f"must look like us-east-1, not {s.region!r}",
        ),
        (not re.fullmatch(r"[0-9]{12}", s.account_id), "ACCOUNT_ID", "must be twelve digits"),
        (
            bool(s.access_key_id) != bool(s.secret_access_key),
            "SECRET_ACCESS_KEY" if s.access_key_id else "ACCESS_KEY_ID",
            "is needed: the administrator's access key id and secret go together",
        ),
        (
            bool(s.access_key_id) and not re.fullmatch(r"\w{4,128}", s.access_key_id, re.ASCII),
            "ACCESS_KEY_ID",
            "must be 4 to 128 letters, digits or underscores",
        ),
        (bool(s.tls_cert) != bool(s.tls_key), "TLS_KEY" if s.tls_cert else "TLS_CERT", "is needed: both or neither"),
        (bool(s.tls_cert) and not Path(s.tls_cert).is_file(), "TLS_CERT", f"{s.tls_cert} is not a file"),
        (bool(s.tls_key) and not Path(s.tls_key).is_file(), "TLS_KEY", f"{s.tls_key} is not a file"),
        (
            s.log_level not in {"debug", "info", "warning", "error"},
            "LOG_LEVEL",
            f"must be debug, info, warning or error, not {s.log_level!r}",
        ),
        (s.sqlite_synchronous not in {"full", "normal"}, "SQLITE_SYNCHRONOUS", "must be full or normal"),
        (
            bool(s.domain_suffix) and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]+)?", s.domain_suffix),
            "DOMAIN_SUFFIX",
            "must be a host name such as auth.example.com",
        ),
        (
            "\r" in s.mail_from or "\n" in s.mail_from or "@" not in s.mail_from,
            "MAIL_FROM",
            "must be one e-mail address",
        ),
    ]
    found = [f"{PREFIX}{name}: {message}" for bad, name, message in rows if bad]
    for name in ("public_url", "issuer_base", "identity_issuer", "api_endpoint"):
        if fault := _url_fault(getattr(s, name), ("http", "https")):
            found.append(f"{PREFIX}{name.upper()}: {fault}")
        elif name == "identity_issuer" and urlsplit(s.identity_issuer).path:
            # Its discovery document is served at the root of this server, which verifiers derive from the issuer.
            found.append(f"{PREFIX}IDENTITY_ISSUER: must be a scheme and a host, without a path")
    if s.smtp_url and (fault := _url_fault(s.smtp_url.reveal(), ("smtp", "smtps"))):
        found.append(f"{PREFIX}SMTP_URL: {fault if 'not' not in fault else 'must be smtp://host or smtps://host'}")
    try:
        named_urls(s.social_endpoints)
    except ValueError as error:
        found.append(f"{PREFIX}SOCIAL_ENDPOINTS: {error}")
    for key in keys:
        try:
            decode_master_key(key)
        except ValueError as error:
            found.append(f"{PREFIX}MASTER_KEY: {error}")
            break
    return found


def describe() -> list[tuple[str, str, str]]:
    """Every setting as (name, default as text, what it is): what the documentation and default.toml print."""
    return [(f.name, _toml(f.default), cast(str, f.metadata["about"])) for f in fields(Settings)]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, str):
        return '"' + str.__str__(value) + '"'
    return str(value)
