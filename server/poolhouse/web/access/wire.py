"""Read AuthZEN requests strictly and write their answers: JSON objects in, JSON out, errors as a sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from poolhouse.core import runtime, unit
from poolhouse.core.errors import InvalidParameter, PoolhouseError, RequestTooLarge
from poolhouse.decisions.ask import Action, Entity, Question
from poolhouse.policy import PolicyError
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.access import askers
from poolhouse.web.access.askers import Asker, NotAdmitted
from poolhouse.web.door import Request, Response

log = logging.getLogger("poolhouse.web.access")
JSON = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
_LONGEST_NAME = 2048
_LONGEST_REQUEST_ID = 256


class BadRequest(Exception):
    """The request cannot be read; the message says why."""


Work = Callable[[Asker, Mapping[str, Any]], Any]


def endpoint(work: Work, scope: str) -> Callable[[Request, Pool | None], Response]:
    """`work` on the JSON object of a POST, for callers with `scope`, in a unit of its own."""

    def handler(request: Request, pool: Pool | None) -> Response:
        try:
            with unit.open(runtime.current()):
                asker = askers.identify(request, pool)
                asker.require(scope)
                response = Response(200, list(JSON), orjson.dumps(work(asker, _object_in(request))))
        except NotAdmitted as refused:
            response = refusal(refused)
        except BadRequest as error:
            response = sentence(400, str(error))
        except (PolicyError, InvalidParameter) as error:
            response = sentence(400, str(error))
        except RequestTooLarge as error:
            response = sentence(413, str(error))
        except PoolhouseError as error:
            log.info("%s refused: %s %s", request.path, error, error.hint)
            response = sentence(403, str(error))
        return identified(request, response)

    return handler


def identified(request: Request, response: Response) -> Response:
    """AuthZEN §10.1.5: the identifier that a request has is its answer's too; one that is no header text is not."""
    given = request.headers.get("x-request-id")
    if given and len(given) <= _LONGEST_REQUEST_ID and all(" " <= c <= "~" for c in given):
        kept = [header for header in response.headers if header[0].lower() != "x-request-id"]
        response.headers = [*kept, ("X-Request-ID", given)]
    return response


def refusal(refused: NotAdmitted) -> Response:
    """401 or 403, with how to do better."""
    headers = [("WWW-Authenticate", challenge) for challenge in refused.challenges]
    response = sentence(refused.status, str(refused))
    response.headers += headers
    return response


def sentence(status: int, said: str) -> Response:
    """An error: its body is a sentence (AuthZEN §10.1.3)."""
    return Response(status, [("Content-Type", "text/plain; charset=utf-8"), JSON[1]], said.encode())


# --- What was asked -----------------------------------------------------------------------------------------------


def _object_in(request: Request) -> Mapping[str, Any]:
    content_type = str(request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise BadRequest("The request must be JSON, with the content type application/json.")
    try:
        parsed = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise BadRequest("The request is not JSON.") from None
    if not isinstance(parsed, dict):
        raise BadRequest("The request must be a JSON object.")
    return parsed


def question(asked: Mapping[str, Any], *, without: str = "") -> Question:
    """The question; a search leaves out one part's name: `without` is "subject", "resource" or "action"."""
    subject = _entity(asked, "subject", named=without != "subject")
    action = Action("") if without == "action" else _action(asked)
    return Question(subject, action, _entity(asked, "resource", named=without != "resource"), _context(asked))


def _part(asked: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = asked.get(name)
    if not isinstance(part, dict):
        raise BadRequest(f"{name} must be an object." if name in asked else f"{name} is missing.")
    return part


def _entity(asked: Mapping[str, Any], name: str, *, named: bool) -> Entity:
    part = _part(asked, name)
    identifier = _text(part, name, "id") if named else ""
    return Entity(_text(part, name, "type"), identifier, _properties(part, name))


def _action(asked: Mapping[str, Any]) -> Action:
    part = _part(asked, "action")
    return Action(_text(part, "action", "name"), _properties(part, "action"))


def _text(part: Mapping[str, Any], where: str, member: str) -> str:
    value = part.get(member)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{where}.{member} must be a text." if member in part else f"{where}.{member} is missing.")
    # An access token is the one id that may be long.
    if len(value) > _LONGEST_NAME and not (where == "subject" and member == "id"):
        raise BadRequest(f"{where}.{member} is longer than {_LONGEST_NAME} characters.")
    return value


def _properties(part: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    return _optional(part, "properties", f"{where}.properties")


def _context(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return _optional(asked, "context", "context")


def _optional(part: Mapping[str, Any], member: str, where: str) -> Mapping[str, Any]:
    value = part.get(member)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{where} must be an object.")
    return value
