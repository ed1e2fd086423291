"""An API that keeps photos: people have folders, editors publish, guests see a list; and a page that says why."""

import json
import os
import re
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from clients.examples import demo
from clients.examples.photos import why
from poolhouse_client import Policies, Refused, Verifier
from poolhouse_client.flask import FlaskGuard, admitted, answer

HERE = Path(__file__).parent
PUBLIC = "public"
LARGEST = 5 * 1024 * 1024
# A folder is a `sub`, or the public one; a photo has a plain name. Nothing else becomes a path.
FOLDER = re.compile(r"[A-Za-z0-9-]{1,64}")
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
# What a file is, by how it begins: what a caller calls it is the caller's affair.
KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}


def policies(editors: str) -> Policies:
    """The three policies of this folder: everyone's, the editors' group's, the guests'."""
    read = {
        name: json.loads((HERE / "policies" / f"{name}.json").read_text()) for name in ("everyone", "editors", "guests")
    }
    return Policies(everyone=read["everyone"], groups={editors: read["editors"]}, guests=read["guests"])


def create_app(guard: FlaskGuard | None = None, directory: Path | None = None, **settings: str) -> Flask:
    """The API and its page; `settings` stand above the environment and the demo's file."""
    known = demo.Demo({**demo.load().file, **settings})
    if guard is None:
        editors = known.value("PHOTOS_EDITORS", "group", "editors")
        guard = FlaskGuard(Verifier(known.value("PHOTOS_ISSUER", "issuer")), policies(editors))
    store = directory or Path(os.environ.get("PHOTOS_DIRECTORY", "data/photos"))
    app = Flask(__name__, static_folder=str(HERE.parent / "webapp" / "static"))
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    why.add(app, guard, known)

    @app.get("/photos/<folder>")
    @guard.require("photos:List", resource="photos/{folder}", guests=True)
    def listing(folder: str) -> Any:
        if not FOLDER.fullmatch(folder):
            return _wrong("No such folder.", 404)
        return {"folder": folder, "photos": sorted(p.name for p in (store / folder).glob("*") if p.is_file())}

    @app.get("/photos/<folder>/<name>")
    @guard.require("photos:Read", resource="photos/{folder}/{name}", guests=True)
    def photo(folder: str, name: str) -> Any:
        path = _path(store, folder, name)
        if path is None or not path.is_file():
            return _wrong("No such photo.", 404)
        content = path.read_bytes()
        return Response(content, content_type=_kind(content), headers={"X-Content-Type-Options": "nosniff"})

    @app.put("/photos/<folder>/<name>")
    @guard.require("photos:Write", resource="photos/{folder}/{name}")
    def keep(folder: str, name: str) -> Any:
        path, content = _path(store, folder, name), request.get_data()
        if path is None:
            return _wrong("A photo's name has letters, digits and . _ - only.", 400)
        if not _kind(content):
            return _wrong("This is no JPEG, PNG or GIF.", 415)
        _write(path, content)
        return {"photo": f"{folder}/{name}", "why": admitted().verdict.explanation}, 201

    @app.delete("/photos/<folder>/<name>")
    @guard.require("photos:Delete", resource="photos/{folder}/{name}")
    def remove(folder: str, name: str) -> Any:
        path = _path(store, folder, name)
        if path is None or not path.is_file():
            return _wrong("No such photo.", 404)
        path.unlink()
        return "", 204

    @app.post("/photos/<folder>/<name>/publish")
    @guard.require("photos:Publish", resource="photos/{folder}/{name}")
    def publish(folder: str, name: str) -> Any:
        path, public = _path(store, folder, name), _path(store, PUBLIC, name)
        if path is None or public is None or not path.is_file():
            return _wrong("No such photo.", 404)
        if public.exists():
            return _wrong("A photo of that name is public already.", 409)
        _write(public, path.read_bytes())
        return {"photo": f"{PUBLIC}/{name}"}, 201

    @app.errorhandler(413)
    def too_large(_error: Exception) -> Any:
        return _wrong(f"A photo has at most {LARGEST // 2**20} MiB.", 413)

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        return answer(error)

    return app


def _path(store: Path, folder: str, name: str) -> Path | None:
    return store / folder / name if FOLDER.fullmatch(folder) and NAME.fullmatch(name) else None


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: somebody else may be reading."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    fresh.write_bytes(content)
    fresh.replace(path)


def _kind(content: bytes) -> str:
    return next((kind for start, kind in KINDS.items() if content.startswith(start)), "")


def _wrong(sentence: str, status: int) -> tuple[Response, int]:
    return jsonify(error=sentence), status
