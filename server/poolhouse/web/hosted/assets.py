"""The pages' style sheet, script and icon: read once, served under an address that changes with their content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Response, abort

from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import pools
from poolhouse.web.hosted import brand
from poolhouse.web.hosted.blueprint import blueprint

_TYPES = {"pages.css": "text/css", "pages.js": "text/javascript", "mark.svg": "image/svg+xml"}
_STATIC = Path(__file__).parent / "static"
_CONTENTS = {name: (_STATIC / name).read_bytes() for name in _TYPES}
_BRAND = "brand.css"


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


_VERSIONS = {name: _version(content) for name, content in _CONTENTS.items()}


def url(name: str) -> str:
    """Where ``name`` is served, on the host and path of the present request."""
    return pools.url(f"/assets/{_VERSIONS[name]}/{name}")


def brand_url(pool: Pool | None) -> str:
    """Where the pool's colours are served."""
    return pools.url(f"/assets/{_version(brand.stylesheet(pool).encode())}/{_BRAND}")


@blueprint.get("/assets/<version>/<name>", defaults={"pool_id": ""})
@blueprint.get("/<pool_id>/assets/<version>/<name>")
def asset(pool_id: str, version: str, name: str) -> Response:
    """One file. An old address gives today's content too: a page and its files may be of two deployments."""
    if name == _BRAND:
        content, content_type = brand.stylesheet(pools.current() if pool_id else None).encode(), "text/css"
        current = _version(content)
    elif name in _CONTENTS:
        content, content_type, current = _CONTENTS[name], _TYPES[name], _VERSIONS[name]
    else:
        abort(404)
    response = Response(content, content_type=content_type + "; charset=utf-8")
    kept = "public, max-age=31536000, immutable" if version == current else "no-store"
    response.headers["Cache-Control"] = kept
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
