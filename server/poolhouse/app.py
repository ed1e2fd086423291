"""The composition root: settings, database, listeners and fronts become one WSGI application."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask
from werkzeug.middleware.proxy_fix import ProxyFix

from poolhouse import keycheck, migrations, tables
from poolhouse import settings as settings_module
from poolhouse.access import keys as access_keys
from poolhouse.account.events import PreSignUp
from poolhouse.api import registry
from poolhouse.core import cache as cache_module
from poolhouse.core import throttle, unit
from poolhouse.core.cache import Cache
from poolhouse.core.db import Database, db, driver_url, engine_options
from poolhouse.core.events import Bus
from poolhouse.core.hashing import HashPool
from poolhouse.core.housekeeping import Housekeeper
from poolhouse.core.runtime import Runtime
from poolhouse.core.sealing import Sealer
from poolhouse.federation import cut_off, documents, reserved
from poolhouse.listeners import audit
from poolhouse.messages import outbox
from poolhouse.settings import Settings
from poolhouse.signin import attempt
from poolhouse.tokens import keys
from poolhouse.tokens.events import StillOpen
from poolhouse.web import access, aws, hosted, identity, oauth, saml, sessions
from poolhouse.web.door import Door, Request, Response
from poolhouse.web.oauth import codes

log = logging.getLogger("poolhouse")
_EXPIRED_EVERY_SECONDS = 300
_KEYS_EVERY_SECONDS = 60
_DOCUMENTS_EVERY_SECONDS = 60


def create_app(settings: Settings | None = None, *, housekeeping: bool = True, **overrides: Any) -> flask.Flask:
    """The whole server as a Flask application. Raises SettingsError for wrong settings.

    ``overrides`` are settings by name, above the environment's. Its runtime is ``app.extensions["poolhouse"]``.
    """
    settings = settings or settings_module.load(**overrides)
    _configure_logging(settings)
    app = flask.Flask("poolhouse", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 256 * 1024
    app.config["MAX_FORM_MEMORY_SIZE"] = 256 * 1024
    app.url_map.merge_slashes = False  # Werkzeug would redirect to whatever the Host header says
    rt = build_runtime(app, settings)
    app.extensions["poolhouse"] = rt
    _add_fronts(app, rt)
    if housekeeping:
        rt.housekeeper.start()
    return app


def build_runtime(app: flask.Flask, settings: Settings) -> Runtime:
    """A runtime on a database that is migrated to this version and whose secrets the master key opens."""
    data = Path(settings.data_dir).absolute()
    data.mkdir(parents=True, exist_ok=True)
    app.config["SQLALCHEMY_DATABASE_URI"] = driver_url(settings.database_url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings)
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    database = Database(engine)
    assert tables.metadata is db.metadata
    migrations.upgrade(engine, data)
    master_key, previous = keycheck.master_keys(settings)
    rt = Runtime(
        settings=settings,
        database=database,
        sealer=Sealer(master_key, previous),
        cache=Cache(data),
        hashers=_hash_pool(settings),
        bus=Bus(),
        housekeeper=Housekeeper(),
    )
    with unit.open(rt):
        keycheck.verify()
    audit.listen(rt.bus)
    rt.bus.inside(codes.hear)
    rt.bus.inside(sessions.hear)
    rt.bus.answering(StillOpen, cut_off.answer)
    rt.bus.answering(PreSignUp, reserved.refuse)
    _add_chores(rt)
    return rt


def _hash_pool(settings: Settings) -> HashPool:
    """This worker's share of the cores; at most half of its threads wait there, so that the rest serve tokens."""
    cores = (os.cpu_count() or 1) // settings.workers
    return HashPool(threads=max(1, cores), waiting=min(16, settings.threads // 2))


def _add_chores(rt: Runtime) -> None:
    def within_unit(work: Any) -> Any:
        def chore() -> None:
            with unit.open(rt):
                work()

        return chore

    def follow_changes() -> None:
        rt.cache.follow(cache_module.stored_stamp())

    rt.housekeeper.every(max(rt.settings.cache_seconds, 0.2), "configuration", within_unit(follow_changes))
    rt.housekeeper.every(2.0, "outbox", lambda: outbox.deliver_due(rt))
    rt.housekeeper.every(_DOCUMENTS_EVERY_SECONDS, "providers' documents", lambda: documents.refresh_in_background(rt))
    if days := rt.settings.signing_key_days:
        rotate = within_unit(lambda: keys.rotate_due(timedelta(days=days)))
        rt.housekeeper.every(_KEYS_EVERY_SECONDS, "signing keys", rotate)
    for purge in (throttle.purge, attempt.purge, *tables.purges()):
        rt.housekeeper.every(_EXPIRED_EVERY_SECONDS, f"purge {purge.__module__}", within_unit(purge))


def _add_fronts(app: flask.Flask, rt: Runtime) -> None:
    registry.load()
    access_keys.prepare(rt.settings)
    door = Door(rt, app.wsgi_app)
    door.root("POST", "/", aws.front)
    door.root("OPTIONS", "/", aws.preflight)
    door.root("GET", "/healthz", _healthy)
    for method, path, root_handler in identity.root_routes():
        door.root(method, path, root_handler)
    for method, path, handler in (*oauth.routes(), *access.routes(), *saml.routes()):
        door.pool(method, path, handler)
    for method, path, root_handler in access.roots():
        door.root(method, path, root_handler)
    app.register_blueprint(oauth.blueprint)
    app.register_blueprint(access.blueprint)
    app.register_blueprint(saml.blueprint)
    app.register_blueprint(hosted.blueprint)
    app.wsgi_app = door  # type: ignore[method-assign]
    if proxies := rt.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(door, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]


def _healthy(_request: Request) -> Response:
    """Alive, and the database answers."""
    cache_module.stored_stamp_now()
    return Response(200, [("Content-Type", "text/plain"), ("Cache-Control", "no-store")], b"ok\n")


def _configure_logging(settings: Settings) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("poolhouse").setLevel(settings.log_level.upper())
    # Authlib writes whole tokens at DEBUG: keep it above, whatever the level of the rest.
    logging.getLogger("authlib").setLevel(logging.WARNING)
