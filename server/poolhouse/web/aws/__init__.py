"""The wire that AWS's clients speak: SigV4 signatures, JSON 1.1, Query and XML, CORS, error headers."""

from poolhouse.web.aws.front import front
from poolhouse.web.aws.json11 import preflight

__all__ = ["front", "preflight"]
