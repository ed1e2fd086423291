"""The server with a counter around it: every answer says how many SQL statements and commits its request cost.

`granian --interface wsgi bench.serve:app` for the counting pass only: the timed runs are made with the server as it is.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Engine, event

from bench.counters import COMMITS, STATEMENTS
from poolhouse.app import create_app

_local = threading.local()


@event.listens_for(Engine, "before_cursor_execute")
def _statement(*_: Any) -> None:
    _local.statements = getattr(_local, "statements", 0) + 1


@event.listens_for(Engine, "commit")
def _commit(*_: Any) -> None:
    _local.commits = getattr(_local, "commits", 0) + 1


def counting(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """`app`, its answers with the two counts in their head; what other threads do in the background is not counted."""

    def counted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        _local.statements = _local.commits = 0

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            counts = [(STATEMENTS, str(_local.statements)), (COMMITS, str(_local.commits))]
            return start_response(status, [*headers, *counts], *rest)

        return app(environ, start)

    return counted


app = counting(create_app())
