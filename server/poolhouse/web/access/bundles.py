"""`GET /<pool>/access/v1/bundle`: the pool's roles and scopes, signed, for APIs that decide by themselves."""

from __future__ import annotations

import logging

from poolhouse.core import runtime, unit
from poolhouse.core.errors import AccessDenied
from poolhouse.decisions import bundle as bundles
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.access import askers, wire
from poolhouse.web.access.askers import NotAdmitted
from poolhouse.web.door import Request, Response

log = logging.getLogger("poolhouse.web.access")


def bundle(request: Request, pool: Pool) -> Response:
    """The caller's bundle, or 304 where it has the present one (RFC 9110 §13.1.2)."""
    try:
        with unit.open(runtime.current()):
            asker = askers.identify(request, pool)
            asker.require(askers.BUNDLE)
            told = bundles.content(pool)
            etag = bundles.etag(pool, asker.client, told)
            headers = [("ETag", etag), ("Cache-Control", "private, no-cache"), ("Vary", "Authorization")]
            if etag in _named(request.headers.get("if-none-match")):
                response = Response(304, headers)
            else:
                token = bundles.signed(pool, asker.client, told)
                response = Response(200, [("Content-Type", "application/jwt"), *headers], token.encode())
    except NotAdmitted as refused:
        response = wire.refusal(refused)
    except AccessDenied as error:
        # Without the policy that cannot be read a Deny may be missing: rather no bundle than one that allows too much.
        log.error("no bundle for %s: %s", pool.id, error.hint)
        response = wire.sentence(503, "A role of this pool has a policy that cannot be read: no bundle can be made.")
    except bundles.TooLarge:
        response = wire.sentence(503, "The roles of this pool do not fit into one bundle: ask by evaluation instead.")
    return wire.identified(request, response)


def _named(given: str | None) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in (given or "").split(",")}
