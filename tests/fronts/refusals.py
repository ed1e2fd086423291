"""How tests at the API ask to be refused."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(call: Any, name: str, **given: Any) -> str:
    """The sentence with which ``call`` is refused as ``name``."""
    with pytest.raises(ClientError) as refusal:
        call(**given)
    assert refusal.value.response["Error"]["Code"] == name, refusal.value
    return str(refusal.value.response["Error"]["Message"])
