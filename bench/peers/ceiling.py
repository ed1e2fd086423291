"""Bare WSGI programs that do a request's unavoidable work and nothing else, served as the real server is."""

import base64
import hashlib
import hmac
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], Any]

CLIENT_ID = "bench-client"
CLIENT_SECRET = "bench-secret-of-fifty-characters-as-cognito-makes-them"
SECRET_DIGEST = hashlib.sha256(CLIENT_SECRET.encode()).digest()
ISSUER = "http://127.0.0.1/us-east-1_Ceiling00"

# The key comes from a file where one is named, so that a token that one process signed can be verified by another.
_KEY_FILE = os.environ.get("BENCH_PEER_KEY")
if _KEY_FILE:
    with open(_KEY_FILE, "rb") as file:
        _loaded = serialization.load_pem_private_key(file.read(), None)
    assert isinstance(_loaded, rsa.RSAPrivateKey)
    KEY = _loaded
else:
    KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key()
PKCS1, SHA256 = padding.PKCS1v15(), hashes.SHA256()
HEADER = base64.urlsafe_b64encode(b'{"kid":"ceiling","alg":"RS256"}').rstrip(b"=")
JSON = [("content-type", "application/json"), ("cache-control", "no-store")]

_local = threading.local()
# SQLite lets a second writer sleep and try again; waiting for our turn here is shorter.
_writing = threading.Lock()


def sign(claims: dict[str, Any]) -> str:
    """A JWT over the claims: RFC 7515 in three lines."""
    signed = HEADER + b"." + base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=")
    return (signed + b"." + base64.urlsafe_b64encode(KEY.sign(signed, PKCS1, SHA256)).rstrip(b"=")).decode()


def verify(token: str) -> dict[str, Any] | None:
    """The claims of a JWT whose signature and expiry hold."""
    signed, _, signature = token.rpartition(".")
    try:
        PUBLIC.verify(base64.urlsafe_b64decode(signature + "=="), signed.encode(), PKCS1, SHA256)
    except (InvalidSignature, ValueError):
        return None
    claims: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
    return claims if claims["exp"] > time.time() else None


def claims(use: str) -> dict[str, Any]:
    """As many claims as a Cognito token has."""
    now = int(time.time())
    return {
        "sub": "6f5a1c1e-8a4e-4c5b-9d61-3f6f4b1e9d10",
        "iss": ISSUER,
        "client_id": CLIENT_ID,
        "token_use": use,
        "scope": "openid email",
        "auth_time": now,
        "exp": now + 3600,
        "iat": now,
        "jti": str(uuid4()),
        "origin_jti": "0b2a8a3c-6e0f-4d8f-9a55-7b1c7a9e2f11",
        "username": "ann",
        "version": 2,
    }


def form(environ: Environ) -> dict[str, str]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def authenticated(environ: Environ) -> bool:
    """HTTP Basic, the secret compared by its digest, in constant time."""
    scheme, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme != "Basic":
        return False
    client_id, _, secret = base64.b64decode(value).decode().partition(":")
    return client_id == CLIENT_ID and hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), SECRET_DIGEST)


def answer(start: Start, body: dict[str, Any], status: str = "200 OK") -> Iterable[bytes]:
    payload = orjson.dumps(body)
    start(status, [*JSON, ("content-length", str(len(payload)))])
    return [payload]


def database() -> sqlite3.Connection:
    """This thread's connection to a file that keeps what it acknowledged (WAL, synchronous=FULL)."""
    connection: sqlite3.Connection | None = getattr(_local, "database", None)
    if connection is None:
        connection = sqlite3.connect(os.environ["BENCH_PEER_DATABASE"], isolation_level=None, timeout=30)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS handles (digest BLOB PRIMARY KEY, spent INTEGER, body TEXT)")
        _local.database = connection
    return connection


def keep(spent: str | None = None) -> str:
    """Spend one handle, store the next, in one durable commit; returns the new handle."""
    handle = base64.urlsafe_b64encode(os.urandom(32)).decode()
    connection = database()
    with _writing:
        connection.execute("BEGIN IMMEDIATE")
        if spent is not None:
            digest = hashlib.sha256(spent.encode()).digest()
            connection.execute("UPDATE handles SET spent = 1 WHERE digest = ? AND spent = 0", (digest,))
        digest = hashlib.sha256(handle.encode()).digest()
        connection.execute(
            "INSERT INTO handles VALUES (?, 0, ?)", (digest, '{"scope":"openid email","sub":"6f5a1c1e"}')
        )
        connection.execute("COMMIT")
    return handle


def hello(environ: Environ, start: Start) -> Iterable[bytes]:
    """What the HTTP server itself costs."""
    return answer(start, {"ok": True})


def client_credentials(environ: Environ, start: Start) -> Iterable[bytes]:
    """Parse the form, check the secret, sign."""
    if form(environ).get("grant_type") != "client_credentials" or not authenticated(environ):
        return answer(start, {"error": "invalid_client"}, "401 Unauthorized")
    return answer(start, {"access_token": sign(claims("access")), "expires_in": 3600, "token_type": "Bearer"})


def refresh(environ: Environ, start: Start) -> Iterable[bytes]:
    """Parse, check, two signatures, one durable commit."""
    sent = form(environ)
    if sent.get("grant_type") != "refresh_token" or not authenticated(environ):
        return answer(start, {"error": "invalid_client"}, "401 Unauthorized")
    access, identity = sign(claims("access")), sign(claims("id"))
    handle = keep(sent.get("refresh_token"))
    return answer(
        start,
        {
            "access_token": access,
            "id_token": identity,
            "refresh_token": handle,
            "expires_in": 3600,
            "token_type": "Bearer",
        },
    )


def introspect(environ: Environ, start: Start) -> Iterable[bytes]:
    """Parse, check, one verification."""
    if not authenticated(environ):
        return answer(start, {"error": "invalid_client"}, "401 Unauthorized")
    known = verify(form(environ).get("token", ""))
    return answer(start, {"active": True, **known} if known else {"active": False})


def user_info(environ: Environ, start: Start) -> Iterable[bytes]:
    """One verification of the bearer token."""
    known = verify(environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "))
    if known is None:
        return answer(start, {"error": "invalid_token"}, "401 Unauthorized")
    return answer(start, {"sub": known["sub"], "email": "ann@example.com", "email_verified": "true"})


def decide(environ: Environ, start: Start) -> Iterable[bytes]:
    """Parse a question, check the asker's secret, say yes."""
    asked = orjson.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    if not authenticated(environ):
        return answer(start, {"error": "invalid_client"}, "401 Unauthorized")
    return answer(start, {"decision": asked["action"]["name"] == "Read", "context": {"reason": "allowed"}})


def authorize(environ: Environ, start: Start) -> Iterable[bytes]:
    """The code flow's first request: one durable commit, one redirect."""
    keep()
    start("303 See Other", [("location", "/code/continue"), ("content-length", "0")])
    return [b""]


def proceed(environ: Environ, start: Start) -> Iterable[bytes]:
    """Its second: a redirect, nothing kept (the code is made by the first)."""
    start("303 See Other", [("location", "https://app.example.com/callback?code=made"), ("content-length", "0")])
    return [b""]


def redeem(environ: Environ, start: Start) -> Iterable[bytes]:
    """Its third: the code spent, a refresh token kept, two signatures."""
    sent = form(environ)
    if not authenticated(environ):
        return answer(start, {"error": "invalid_client"}, "401 Unauthorized")
    access, identity = sign(claims("access")), sign(claims("id"))
    return answer(
        start,
        {
            "access_token": access,
            "id_token": identity,
            "refresh_token": keep(sent.get("code")),
            "expires_in": 3600,
            "token_type": "Bearer",
        },
    )


def key_set(environ: Environ, start: Start) -> Iterable[bytes]:
    """A document of the size of a key set, from memory."""
    start("200 OK", [*JSON, ("content-length", "900")])
    return [b"x" * 900]


def token(environ: Environ, start: Start) -> Iterable[bytes]:
    """An access token for the verification scenarios, so that the load generator needs no key."""
    return answer(start, {"access_token": sign(claims("access"))})


ROUTES = {
    "/hello": hello,
    "/client_credentials": client_credentials,
    "/refresh": refresh,
    "/introspect": introspect,
    "/userinfo": user_info,
    "/decide": decide,
    "/code/authorize": authorize,
    "/code/continue": proceed,
    "/code/token": redeem,
    "/jwks": key_set,
    "/token": token,
}


def app(environ: Environ, start: Start) -> Iterable[bytes]:
    route = ROUTES.get(environ["PATH_INFO"])
    if route is None:
        start("404 Not Found", [("content-length", "0")])
        return [b""]
    return route(environ, start)
