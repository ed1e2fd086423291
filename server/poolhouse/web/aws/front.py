"""`POST /` of the server: which of AWS's two protocols a request speaks."""

from __future__ import annotations

from poolhouse.web.aws import json11, query
from poolhouse.web.door import Request, Response


def front(request: Request) -> Response:
    """Answer one call of the API, in the protocol that it came in. Nothing that a client sends makes it raise."""
    return query.front(request) if query.speaks(request) else json11.front(request)
