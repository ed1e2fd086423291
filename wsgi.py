"""The server as a WSGI application, for servers other than our own: ``gunicorn wsgi:app``."""

from __future__ import annotations

from poolhouse.app import create_app

app = create_app()
