"""The SAML message of a request, as it came."""

from __future__ import annotations

from flask import request

from poolhouse.saml import bindings
from poolhouse.saml.bindings import Received
from poolhouse.saml.trust import Refused

_FORM = "application/x-www-form-urlencoded"


def message() -> Received:
    """By redirect (GET) or by form (POST), each parameter once, never in both places. Raises Refused."""
    if request.method != "POST":
        return bindings.of_query(request.query_string.decode("ascii", "replace"))
    if request.query_string or request.mimetype != _FORM:
        raise Refused("no-message", "the message of a POST belongs in its form")
    form = request.form
    if any(len(form.getlist(name)) > 1 for name in form):
        raise Refused("repeated-parameter")
    return bindings.of_form(form.to_dict())
