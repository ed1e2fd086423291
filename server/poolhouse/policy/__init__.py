"""The IAM policy language, pure: `parse` or `lint` a document, `decide` a request; nothing but the standard library."""

from __future__ import annotations

from .document import Policy, Statement, parse
from .errors import Fault, InvalidRequest, MalformedPolicy, PolicyError
from .evaluate import Decision, Effect, Finding, Lacking, Responsible, decide, examine
from .lint import lint
from .principal import ANONYMOUS, Principal
from .request import Request

__all__ = [
    "ANONYMOUS",
    "Decision",
    "Effect",
    "Fault",
    "Finding",
    "InvalidRequest",
    "Lacking",
    "MalformedPolicy",
    "Policy",
    "PolicyError",
    "Principal",
    "Request",
    "Responsible",
    "Statement",
    "decide",
    "examine",
    "lint",
    "parse",
]
