"""Where a message went, as far as the person who asked for it may know."""

from __future__ import annotations

from dataclasses import dataclass

MEDIA = {"email": "EMAIL", "phone_number": "SMS"}
_SHOWN_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Delivery:
    """``CodeDeliveryDetails``: the medium (EMAIL or SMS), the masked destination, the attribute it was read from."""

    medium: str
    destination: str
    attribute: str

    @classmethod
    def to(cls, attribute: str, address: str) -> Delivery:
        """A delivery to ``address``, which is the user's ``attribute`` (``email`` or ``phone_number``)."""
        return cls(MEDIA[attribute], masked(attribute, address), attribute)

    def describe(self) -> dict[str, str]:
        """The members of the API's CodeDeliveryDetailsType."""
        return {"DeliveryMedium": self.medium, "Destination": self.destination, "AttributeName": self.attribute}


def masked(attribute: str, address: str) -> str:
    """``ann@example.com`` as ``a***@e***``, ``+15550001234`` as ``+*******1234``."""
    if attribute == "email":
        local, _, domain = address.rpartition("@")
        return f"{local[:1]}***@{domain[:1]}***"
    digits = address.removeprefix("+")
    return "+" + "*" * max(0, len(digits) - _SHOWN_DIGITS) + digits[-_SHOWN_DIGITS:]
