"""Protect an API with Poolhouse or Amazon Cognito: verify tokens, decide what their bearers may do.

    verifier = Verifier("https://id.example.com/us-east-1_AbC", clients=["1example23456789"])
    guard = FlaskGuard(verifier, Policies(everyone=document))          # poolhouse_client.flask

    @app.get("/photos/<name>")
    @guard.require("photos:Read", resource="photos/${sub}/{name}")
    def read(name): ...

Frameworks stand in modules of their own (flask, asgi, django), boto3's credentials in credentials: only what is
imported has to be installed.
"""

from __future__ import annotations

from poolhouse_client._rules import grants, policy
from poolhouse_client.authzen import AuthZEN
from poolhouse_client.errors import ExpiredToken, InvalidToken, PoolhouseError, Refused, Unavailable
from poolhouse_client.guard import Admitted, Guard
from poolhouse_client.introspection import Introspector
from poolhouse_client.permissions import Bundle, Permissions, Policies
from poolhouse_client.tokens import Token, Verifier
from poolhouse_client.transport import Transport

Reason, Verdict = grants.Reason, grants.Verdict

__all__ = [
    "Admitted",
    "AuthZEN",
    "Bundle",
    "ExpiredToken",
    "Guard",
    "Introspector",
    "InvalidToken",
    "Permissions",
    "Policies",
    "PoolhouseError",
    "Reason",
    "Refused",
    "Token",
    "Transport",
    "Unavailable",
    "Verdict",
    "Verifier",
    "policy",
]
