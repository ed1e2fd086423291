"""The blueprint that every hosted page hangs on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("hosted", __name__, template_folder="templates")
