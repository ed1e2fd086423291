"""How many guests one address may bring: everybody may ask for a guest identity, and each is a row for good."""

from __future__ import annotations

import ipaddress

from poolhouse.core import circumstances, runtime, throttle
from poolhouse.core.errors import TooManyRequests

_HOUR = 3600
_NETWORK_BITS = 64


def count() -> None:
    """Count one new guest from where the request came. Raises TooManyRequests; the count is kept."""
    limit = runtime.current().settings.guests_an_hour
    if limit and not throttle.hit(f"guests/{_origin()}", limit, _HOUR):
        raise TooManyRequests(keep=True, hint="more guests an hour from this address than guests_an_hour allows")


def _origin() -> str:
    """The address; of IPv6 the network, since whoever has one address there has 2^64."""
    given = circumstances.current().remote_address
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return given
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), _NETWORK_BITS), strict=False))
    return str(address)
