"""What this package asks: CustomMessage, whose listener may put a message in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CODE = "{####}"
USERNAME = "{username}"


@dataclass(frozen=True, slots=True)
class CustomMessage:
    """A message about to be sent. A listener returns a copy with words of its own, placeholders still in them.

    ``trigger`` is Cognito's source (``CustomMessage_SignUp``). An empty ``email_message``, ``email_subject`` or
    ``sms_message`` means: the pool's words.
    """

    pool_id: str
    trigger: str
    client_id: str
    sub: str
    username: str
    attributes: Mapping[str, str]
    metadata: Mapping[str, str] = field(default_factory=dict)
    email_subject: str = ""
    email_message: str = ""
    sms_message: str = ""
