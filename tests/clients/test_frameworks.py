"""The same guard before views of Flask, Starlette, FastAPI and Django."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Any

import django
import flask
import pytest
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.test import Client as DjangoClient
from django.urls import path
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from poolhouse_client import Admitted, Policies
from poolhouse_client.asgi import AsgiGuard
from poolhouse_client.django import DjangoGuard
from poolhouse_client.flask import FlaskGuard, admitted
from tests.clients.pool import CLIENT, SUB, access, sign, verifier
from tests.clients.test_permissions import LIST, OWN, PUBLISH

Answer = tuple[int, dict[str, str], dict[str, Any]]
Ask = Callable[[str, str | None], Answer]
POLICIES = Policies(everyone=OWN, guests=LIST, groups={"editors": PUBLISH})
PHOTO = "photos/{owner}/{name}"


def _told(found: Admitted) -> dict[str, Any]:
    return {"sub": found.token.sub if found.token else None, "resource": found.resource}


def _flask() -> Ask:
    app, guard = flask.Flask(__name__), FlaskGuard(verifier(clients=[CLIENT]), POLICIES)

    @app.get("/photos/<owner>/<path:name>")
    @guard.require("photos:Read", resource=PHOTO)
    def photo(owner: str, name: str) -> Any:
        return _told(admitted())

    @app.get("/public")
    @guard.require("photos:List", resource="photos/public", guests=True)
    def public() -> Any:
        return _told(admitted())

    def ask(url: str, authorization: str | None) -> Answer:
        headers = {"Authorization": authorization} if authorization else {}
        answer = app.test_client().get(url, headers=headers)
        return answer.status_code, {k.title(): v for k, v in answer.headers.items()}, answer.get_json()

    return ask


def _starlette() -> Ask:
    guard = AsgiGuard(verifier(clients=[CLIENT]), POLICIES)

    @guard.require("photos:Read", resource=PHOTO)
    async def photo(request: Request) -> JSONResponse:
        return JSONResponse(_told(request.state.poolhouse))

    @guard.require("photos:List", resource="photos/public", guests=True)
    async def public(request: Request) -> JSONResponse:
        return JSONResponse(_told(request.state.poolhouse))

    return _asgi(Starlette(routes=[Route("/photos/{owner}/{name:path}", photo), Route("/public", public)]))


def _fastapi() -> Ask:
    """As its documentation writes views: the dependency stands in the annotation, the path's parameters beside it."""
    app, guard = FastAPI(), AsgiGuard(verifier(clients=[CLIENT]), POLICIES)
    reader = Annotated[Admitted, Depends(guard.dependency("photos:Read", PHOTO))]
    visitor = Annotated[Admitted, Depends(guard.dependency("photos:List", "photos/public", guests=True))]

    def photo(who, owner, name):  # type: ignore[no-untyped-def]
        assert f"photos/{owner}/{name}" == who.resource
        return _told(who)

    def public(who):  # type: ignore[no-untyped-def]
        return _told(who)

    # Here annotations are text, of names that FastAPI could not see within this function: it is given the types.
    photo.__annotations__ = {"who": reader, "owner": str, "name": str}
    public.__annotations__ = {"who": visitor}
    app.get("/photos/{owner}/{name:path}")(photo)
    app.get("/public")(public)
    return _asgi(app)


def _asgi(app: Any) -> Ask:
    def ask(url: str, authorization: str | None) -> Answer:
        sent: list[dict[str, Any]] = []
        headers = [(b"authorization", authorization.encode())] if authorization else []
        scope = {"type": "http", "method": "GET", "path": url, "raw_path": url.encode(), "query_string": b"",
                 "root_path": "", "headers": headers, "http_version": "1.1", "scheme": "http",
                 "server": ("localhost", 80), "client": ("127.0.0.1", 1)}  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(app(scope, receive, send))
        fields = {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], fields, json.loads(body)

    return ask


def _django() -> Ask:
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of a test")
        django.setup()

    def ask(url: str, authorization: str | None) -> Answer:
        more = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
        answer = DjangoClient().get(url, **more)
        return answer.status_code, {k.title(): v for k, v in answer.headers.items()}, json.loads(answer.content)

    return ask


_django_guard = DjangoGuard(verifier(clients=[CLIENT]), POLICIES)


@_django_guard.require("photos:Read", resource=PHOTO)
def _django_photo(request: HttpRequest, owner: str, name: str) -> JsonResponse:
    return JsonResponse(_told(request.poolhouse))  # type: ignore[attr-defined]


@_django_guard.require("photos:List", resource="photos/public", guests=True)
def _django_public(request: HttpRequest) -> JsonResponse:
    return JsonResponse(_told(request.poolhouse))  # type: ignore[attr-defined]


urlpatterns = [path("photos/<str:owner>/<path:name>", _django_photo), path("public", _django_public)]


@pytest.fixture(params=[_flask, _starlette, _fastapi, _django], ids=["flask", "starlette", "fastapi", "django"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Each framework's way to send a request."""
    made: Ask = request.param()
    return made


def _bearer(**claims: Any) -> str:
    return "Bearer " + sign(access(scope="aws.cognito.signin.user.admin", **claims))


def test_no_token_is_401(ask: Ask) -> None:
    status, headers, _ = ask(f"/photos/{SUB}/1.jpg", None)
    assert (status, headers["Www-Authenticate"]) == (401, "Bearer")


def test_a_bad_token_is_401(ask: Ask) -> None:
    status, headers, _ = ask(f"/photos/{SUB}/1.jpg", _bearer(exp=1))
    assert status == 401
    assert 'error="invalid_token"' in headers["Www-Authenticate"]


def test_somebody_elses_folder_is_403(ask: Ask) -> None:
    status, headers, _ = ask("/photos/another/1.jpg", _bearer())
    assert status == 403
    assert 'error="insufficient_scope"' in headers["Www-Authenticate"]


def test_a_way_around_is_400(ask: Ask) -> None:
    assert ask(f"/photos/{SUB}/a/../../another/1.jpg", _bearer())[0] == 400


def test_ones_own_folder_opens(ask: Ask) -> None:
    status, _, told = ask(f"/photos/{SUB}/2026/1.jpg", _bearer())
    assert (status, told) == (200, {"sub": SUB, "resource": f"photos/{SUB}/2026/1.jpg"})


def test_a_guest_may_what_guests_may(ask: Ask) -> None:
    assert ask("/public", None)[::2] == (200, {"sub": None, "resource": "photos/public"})
    assert ask("/public", _bearer())[0] == 403
