"""Flask: `@guard.require("photos:Read", resource="photos/${sub}/{name}")` over a view; `admitted()` says who it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, cast

import flask

from poolhouse_client.errors import Refused
from poolhouse_client.guard import Admitted, Guard

P = ParamSpec("P")


class FlaskGuard(Guard):
    """A Guard whose `require` decorates Flask's views."""

    def require(
        self, action: str, resource: str = "*", *, guests: bool = False
    ) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
        """Only for those who may; guests are asked about too where `guests` says so."""

        def decorate(view: Callable[P, Any]) -> Callable[P, Any]:
            @wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
                sent = flask.request.headers.get("Authorization")
                try:
                    flask.g.poolhouse = self.check(sent, action, resource, flask.request.view_args, guests=guests)
                except Refused as refused:
                    return answer(refused)
                return flask.current_app.ensure_sync(view)(*args, **kwargs)

            return guarded

        return decorate


def admitted() -> Admitted:
    """Who this request is from, in a view that `require` stands over."""
    return cast(Admitted, flask.g.poolhouse)


def answer(refused: Refused) -> flask.Response:
    """The answer to a request that is turned down."""
    return flask.Response(refused.body, refused.status, refused.headers)
