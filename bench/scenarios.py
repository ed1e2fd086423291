"""What is measured: each scenario's requests, the same work at its ceiling, and the share that is to be reached."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench import tenant as tenants
from bench.load import Stories, Story, expect, repeat, request
from bench.peers import ceiling
from bench.tenant import Administrator, Client, Tenant

FORM = "application/x-www-form-urlencoded"
CONNECTIONS = 16


@dataclass(frozen=True)
class Scenario:
    """`stories` against the server, `ceiling` against the peers (None: no such peer), the ratio to reach.

    `statements` and `commits` are the most that one unit of work may cost (None: not promised).
    """

    name: str
    stories: Stories
    ceiling: Stories | None
    target: float | None = None
    statements: int | None = None
    commits: int | None = None
    connections: int = CONNECTIONS
    note: str = ""


@dataclass
class Sessions:
    """What signed-in people hold: an access token, a cookie, and a refresh token for each connection."""

    access_token: str
    cookie: str
    refresh_tokens: list[str] = field(default_factory=list)


PEER = Client(ceiling.CLIENT_ID, ceiling.CLIENT_SECRET)


def post(host: str, path: str, body: bytes, client: Client | None = None) -> bytes:
    headers = {"Host": host, "Content-Type": FORM}
    if client is not None:
        headers["Authorization"] = client.basic
    return request("POST", path, headers, body)


def get(host: str, path: str, **headers: str) -> bytes:
    return request("GET", path, {"Host": host, **headers})


def rotation(host: str, path: str, client: Client, handles: list[str]) -> Stories:
    """A refresh token for the next, for ever; the list keeps what each connection holds between runs."""

    def story(index: int) -> Story:
        while True:
            body = urlencode({"grant_type": "refresh_token", "refresh_token": handles[index]}).encode()
            answer = expect((yield post(host, path, body, client)), 200)
            handles[index] = json.loads(answer.body)["refresh_token"]
            yield None

    return story


def code_flow(base: str, path: str, query: str, cookie: str, redeem: Callable[[str], bytes]) -> Stories:
    """Authorize, follow the redirects until the callback's code, redeem it: one unit of work."""
    host = urlsplit(base).netloc

    def story(_: int) -> Story:
        while True:
            at = f"{path}?{query}"
            for _hop in range(6):
                answer = expect((yield get(host, at, Cookie=cookie)), 302, 303)
                target = urljoin(base + at, answer.header("location") or "")
                if target.startswith(tenants.CALLBACK):
                    break
                at = target.removeprefix(base)
            code = parse_qs(urlsplit(target).query)["code"][0]
            expect((yield redeem(code)), 200)
            yield None

    return story


def api(host: str, operation: str, members: dict[str, Any]) -> bytes:
    """An unsigned call of the AWS-compatible API."""
    headers = {
        "Host": host,
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
    }
    return request("POST", "/", headers, json.dumps(members).encode())


def signed(base: str, administrator: Administrator, operation: str, members: dict[str, Any]) -> bytes:
    """A signed call: good for some minutes from now (SigV4 dates its signatures)."""
    prepared = AWSRequest(
        "POST",
        base + "/",
        data=json.dumps(members).encode(),
        headers={
            "Host": urlsplit(base).netloc,
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        },
    )
    SigV4Auth(Credentials(administrator.key_id, administrator.secret), "cognito-idp", "us-east-1").add_auth(prepared)
    return request("POST", "/", dict(prepared.headers.items()), prepared.data)


def sign_in(host: str, tenant: Tenant) -> bytes:
    return api(
        host,
        "InitiateAuth",
        {
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": tenant.public.id,
            "AuthParameters": {"USERNAME": tenant.username, "PASSWORD": tenants.PASSWORD},
        },
    )


def client_credentials(host: str, tenant: Tenant) -> bytes:
    body = urlencode({"grant_type": "client_credentials", "scope": tenants.SCOPE}).encode()
    return post(host, tenant.oauth("token"), body, tenant.machine)


def against_ceiling(base: str, tenant: Tenant, held: Sessions, peers: str, peer_token: str) -> list[Scenario]:
    """The scenarios that have a ceiling of their own; `peers` is the base of the peers' server."""
    host, peer = urlsplit(base).netloc, urlsplit(peers).netloc
    query = tenant.authorize_query()
    fresh = base64.urlsafe_b64encode(b"x" * 32).decode()
    return [
        Scenario(
            "client_credentials",
            repeat(client_credentials(host, tenant)),
            repeat(post(peer, "/client_credentials", b"grant_type=client_credentials&scope=bench%2Fread", PEER)),
            0.70,
            statements=0,
            commits=0,
            note="parse the form, check the secret, sign",
        ),
        Scenario(
            "refresh with rotation",
            rotation(host, tenant.oauth("token"), tenant.web, held.refresh_tokens),
            rotation(peer, "/refresh", PEER, [fresh] * CONNECTIONS),
            0.60,
            statements=4,
            commits=1,
            note="the same, two signatures, one durable commit",
        ),
        Scenario(
            "introspection",
            repeat(post(host, tenant.oauth("introspect"), b"token=" + held.access_token.encode(), tenant.web)),
            repeat(post(peer, "/introspect", b"token=" + peer_token.encode(), PEER)),
            0.40,
            statements=1,
            commits=0,
            note="one verification",
        ),
        Scenario(
            "userInfo",
            repeat(get(host, tenant.oauth("userInfo"), Authorization=f"Bearer {held.access_token}")),
            repeat(get(peer, "/userinfo", Authorization=f"Bearer {peer_token}")),
            0.40,
            commits=0,
            note="one verification",
        ),
        Scenario(
            "code flow",
            code_flow(
                base,
                tenant.oauth("authorize"),
                query,
                held.cookie,
                lambda code: post(host, tenant.oauth("token"), tenant.redeem_form(code), tenant.web),
            ),
            code_flow(
                peers,
                "/code/authorize",
                query,
                "",
                lambda code: post(peer, "/code/token", tenant.redeem_form(code), PEER),
            ),
            0.33,
            note="three bare requests, two signatures, two durable commits",
        ),
        Scenario(
            "JWKS",
            repeat(get(host, f"/{tenant.pool_id}/.well-known/jwks.json")),
            repeat(get(peer, "/jwks")),
            statements=0,
            commits=0,
            note="as many bytes from memory",
        ),
        Scenario(
            "discovery",
            repeat(get(host, f"/{tenant.pool_id}/.well-known/openid-configuration")),
            repeat(get(peer, "/jwks")),
            statements=0,
            commits=0,
            note="900 bytes from memory",
        ),
    ]


def by_password(host: str, tenant: Tenant) -> Scenario:
    """Sign-in through the API; its ceiling is bcrypt alone, which is no server."""
    return Scenario(
        "password sign-in",
        repeat(sign_in(host, tenant)),
        None,
        0.90,
        statements=8,
        commits=2,
        connections=4,
        note="bcrypt alone, same rounds, same core",
    )


def every(base: str, tenant: Tenant, peers: str, peer_token: str) -> list[Scenario]:
    """All scenarios, for people who have signed in just now: the one by password comes last."""
    browser = tenants.sign_in(base, tenant)
    held = Sessions(tenants.tokens(base, tenant, browser)["access_token"], browser.cookies())
    held.refresh_tokens += [tenants.tokens(base, tenant, browser)["refresh_token"] for _ in range(CONNECTIONS)]
    compared = against_ceiling(base, tenant, held, peers, peer_token)
    return [*compared, by_password(urlsplit(base).netloc, tenant)]


def listing(base: str, administrator: Administrator, pool_id: str, size: int, later: str | None) -> dict[str, Stories]:
    """Pages of ListUsers in a pool of `size` users; `later` is a token for a later page."""
    middle = f"user{size // 2:08d}"
    questions: dict[str, dict[str, Any]] = {
        "first page": {},
        **({"a later page": {"PaginationToken": later}} if later else {}),
        "username =": {"Filter": f'username = "{middle}"'},
        "username ^=": {"Filter": f'username ^= "{middle[:-1]}"'},
        "email =": {"Filter": f'email = "{middle}@example.com"'},
        "email ^=": {"Filter": f'email ^= "{middle[:-1]}"'},
        "status =": {"Filter": 'cognito:user_status = "CONFIRMED"'},
        "sub =": {"Filter": f'sub = "{sub(size // 2)}"'},
    }
    return {
        name: repeat(signed(base, administrator, "ListUsers", {"UserPoolId": pool_id, **members}))
        for name, members in questions.items()
    }


def sub(index: int) -> str:
    """The sub of the seeded user number `index`."""
    return f"00000000-0000-4000-8000-{index:012x}"
