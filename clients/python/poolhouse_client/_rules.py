"""The server's policy language and rule of decision: from this wheel, or in the source tree from the server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poolhouse import policy
    from poolhouse.decisions import grants
else:
    try:
        from poolhouse_client import policy
        from poolhouse_client.decisions import grants
    except ImportError:
        from poolhouse import policy
        from poolhouse.decisions import grants

__all__ = ["grants", "policy"]
