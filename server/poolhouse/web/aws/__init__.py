"""The wire that AWS's clients speak: SigV4 signatures, JSON 1.1, CORS, error headers."""

from poolhouse.web.aws.json11 import front, preflight

__all__ = ["front", "preflight"]
