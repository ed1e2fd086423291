"""Ask the server (OpenID AuthZEN Authorization API 1.0): it knows today's groups and roles, and answers at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from poolhouse_client._rules import grants
from poolhouse_client.errors import Unavailable
from poolhouse_client.introspection import basic
from poolhouse_client.tokens import Token
from poolhouse_client.transport import Transport, json_object

Entity = Mapping[str, Any]


class AuthZEN:
    """A policy decision point. `url` is its identifier, for Poolhouse the pool's issuer; endpoints are discovered.

    With `authorization`, a whole header value, other servers than Poolhouse can be asked too.
    """

    def __init__(
        self,
        url: str,
        client_id: str = "",
        client_secret: str = "",
        *,
        authorization: str = "",
        transport: Transport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._transport = transport or Transport()
        self._authorization = authorization or (basic(client_id, client_secret) if client_id else "")
        self._metadata: dict[str, Any] = {}

    # --- As a guard asks ----------------------------------------------------------------------------------------------

    def decide(
        self, token: Token | None, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> grants.Verdict:
        """Whether the token's bearer may do `action` to `resource` (`type/id`); guests never. Raises Unavailable."""
        if token is None:
            return grants.Verdict(False, grants.Reason.UNKNOWN_SUBJECT, "A guest has no permission here.")
        kind, _, name = resource.partition("/")
        answer = self.evaluate(
            {"type": "access_token", "id": token.text}, {"name": action}, {"type": kind, "id": name}, context
        )
        told = answer.get("context")
        reason = told.get("reason") if isinstance(told, dict) else None
        allowed = answer["decision"] is True
        known = {str(value): value for value in grants.Reason}
        fallback = grants.Reason.ALLOWED if allowed else grants.Reason.NOT_ALLOWED
        return grants.Verdict(allowed, known.get(str(reason), fallback), str(told or ""))

    # --- The API ------------------------------------------------------------------------------------------------------

    def evaluate(
        self, subject: Entity, action: Entity, resource: Entity, context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """One question: `{"decision": …, "context": …}`."""
        answer = self._post("access_evaluation_endpoint", _question(subject, action, resource, context))
        return _decided(answer)

    def evaluations(
        self,
        evaluations: Sequence[Mapping[str, Any]],
        *,
        defaults: Mapping[str, Any] | None = None,
        semantic: str = "execute_all",
    ) -> list[dict[str, Any]]:
        """Several questions in their order; `defaults` stand in for what one leaves out."""
        asked = {**(defaults or {}), "evaluations": list(evaluations), "options": {"evaluations_semantic": semantic}}
        answers = self._post("access_evaluations_endpoint", asked).get("evaluations")
        if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
            raise Unavailable(f"{self.url}: the answer has no evaluations")
        return [_decided(answer) for answer in answers]

    def subjects(
        self, kind: str, action: Entity, resource: Entity, context: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Who may do that, page after page."""
        return self._search("search_subject_endpoint", _question({"type": kind}, action, resource, context))

    def resources(
        self, subject: Entity, action: Entity, kind: str, context: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """What they may do it to."""
        return self._search("search_resource_endpoint", _question(subject, action, {"type": kind}, context))

    def actions(
        self, subject: Entity, resource: Entity, context: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """What they may do to it."""
        return self._search("search_action_endpoint", _question(subject, None, resource, context))

    def _search(self, endpoint: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:
            answer = self._post(endpoint, asked)
            results = answer.get("results")
            if not isinstance(results, list):
                raise Unavailable(f"{self.url}: the answer has no results")
            yield from (result for result in results if isinstance(result, dict))
            page = answer.get("page")
            following = page.get("next_token") if isinstance(page, dict) else None
            if not following or following == (asked.get("page") or {}).get("token"):
                return
            asked = {**asked, "page": {"token": following}}

    def _post(self, endpoint: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        url = self._endpoint(endpoint)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        status, _, content = self._transport.ask("POST", url, headers=headers, body=json.dumps(asked).encode())
        if status != 200:
            raise Unavailable(f"{url} answered {status}: {content[:300].decode('utf-8', 'replace')}")
        return json_object(url, content)

    def _endpoint(self, name: str) -> str:
        if not self._metadata:
            parts = urlsplit(self.url)
            url = f"{parts.scheme}://{parts.netloc}/.well-known/authzen-configuration{parts.path}"
            status, _, content = self._transport.ask("GET", url, headers={"Accept": "application/json"})
            found = json_object(url, content) if status == 200 else {}
            if found.get("policy_decision_point") != self.url:  # AuthZEN §9.2.3, against mix-up
                raise Unavailable(f"{url} does not describe {self.url}")
            self._metadata = found
        endpoint = self._metadata.get(name)
        if not isinstance(endpoint, str):
            raise Unavailable(f"{self.url} has no {name}")
        return endpoint


def _question(
    subject: Entity, action: Entity | None, resource: Entity, context: Mapping[str, Any] | None
) -> dict[str, Any]:
    asked: dict[str, Any] = {"subject": dict(subject), "resource": dict(resource)}
    if action is not None:
        asked["action"] = dict(action)
    if context:
        asked["context"] = dict(context)
    return asked


def _decided(answer: dict[str, Any]) -> dict[str, Any]:
    """What is no clear yes or no is no answer at all."""
    if not isinstance(answer.get("decision"), bool):
        raise Unavailable("the answer has no decision")
    return answer
