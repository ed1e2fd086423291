"""The kinds of value that conditions compare: numbers, dates, addresses, ARNs and bytes, read from text."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from .errors import PolicyError, shown
from .patterns import Template, pattern_parts
from .values import Keys
from .variables import Escaped, Part, Variable
from .wildcard import Matcher, Wild, compile_tokens

_NUMBER = re.compile(r"[+-]?[0-9]{1,64}(?:\.[0-9]{1,64})?")
_EPOCH = re.compile(r"-?[0-9]{1,3}|-?[0-9]{5,12}")
# ISO 8601 as the W3C's note "Date and Time Formats" has it: from a year alone to a fraction of a second with its zone.
_DATE = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?"
)
_START = datetime(1970, 1, 1, tzinfo=UTC)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def number(text: str) -> Decimal:
    """Read a whole or decimal number, exactly: binary fractions would make 0.1 + 0.2 a different limit from 0.3."""
    if not _NUMBER.fullmatch(text):
        raise PolicyError(f"{shown(text)} is not a number such as 10 or 0.5")
    return Decimal(text)


@lru_cache(maxsize=1024)  # the hour and the address of a caller come again with each of their requests
def date(text: str) -> Decimal:
    """Read a date of the W3C's profile of ISO 8601 (no zone means UTC) or seconds since 1970, as seconds since 1970."""
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(found[name] or least) for name, least in _DATE_FIELDS)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        seconds = Decimal(int((moment - _START).total_seconds()) - _offset(found["zone"]))
        return seconds + Decimal(f"0.{found['fraction'] or 0}")
    except ValueError:
        raise PolicyError(f"{shown(text)} is not a date such as 2026-01-31T12:00:00Z or 1769860800") from None


_DATE_FIELDS = (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))


def _offset(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError
    seconds = int(timedelta(hours=hours, minutes=minutes).total_seconds())
    return -seconds if zone[0] == "-" else seconds


def boolean(text: str) -> bool:
    """Read true or false, in any case."""
    folded = text.lower()
    if folded not in ("true", "false"):
        raise PolicyError(f"{shown(text)} is neither true nor false")
    return folded == "true"


def binary(text: str) -> bytes:
    """Read bytes from base 64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PolicyError(f"{shown(text)} is not base 64") from None


def network(text: str) -> Network:
    """Read an address range in CIDR form; an address alone is a range of one."""
    if not re.fullmatch(r"[0-9a-fA-F.:]{2,45}(?:/[0-9]{1,3})?", text):
        raise PolicyError(f"{shown(text)} is not an address range such as 203.0.113.0/24 or 2001:db8::/32")
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise PolicyError(f"{shown(text)} is not an address range such as 203.0.113.0/24 or 2001:db8::/32") from None
    if isinstance(found, IPv6Network) and found.prefixlen >= 96 and found.network_address.ipv4_mapped:
        return IPv4Network((int(found.network_address.ipv4_mapped), found.prefixlen - 96))
    return found


@lru_cache(maxsize=1024)
def address(text: str) -> Address:
    """Read a caller's address. IPv4 dressed as IPv6 is IPv4: a denied range would be open that way."""
    try:
        found = ip_address(text)
    except ValueError:
        raise PolicyError(f"{shown(text)} is not an address") from None
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            raise PolicyError(f"{shown(text)} is not an address")
        return found.ipv4_mapped or found
    return found


_SEGMENTS = 6


@dataclass(frozen=True, slots=True)
class ArnPattern:
    """An ARN of a condition, compared part by part: neither a star nor a variable's value can shift a part."""

    fixed: tuple[Matcher, ...] | None
    templates: tuple[Template, ...]
    whole: Template | None

    def matches(self, arn: str, keys: Keys) -> bool:
        """Return whether this ARN is meant."""
        if self.whole is not None:
            return self.whole.matches(arn, keys)
        segments = arn.split(":", _SEGMENTS - 1)
        if len(segments) != _SEGMENTS or segments[0] != "arn":
            return False
        if self.fixed is not None:
            return all(matcher(segment) for matcher, segment in zip(self.fixed, segments, strict=True))
        return all(template.matches(segment, keys) for template, segment in zip(self.templates, segments, strict=True))


def arn_pattern(parts: tuple[Part, ...]) -> ArnPattern:
    """Read the pattern of an ARN operator. Raises PolicyError for what can never be an ARN."""
    if len(parts) == 1 and isinstance(parts[0], Variable):
        return ArnPattern(None, (), Template([parts[0]]))
    segments = _segments(parts)
    if len(segments) < _SEGMENTS and segments[-1][-1:] == [Wild.ANY]:
        segments += [[Wild.ANY]] * (_SEGMENTS - len(segments))  # arn:aws:iam::* means everything that begins so
    if len(segments) != _SEGMENTS:
        raise PolicyError("an ARN has six parts separated by colons: arn:partition:service:region:account:resource")
    if not any(isinstance(part, Variable) for segment in segments for part in segment):
        known = [[part for part in segment if not isinstance(part, Variable)] for segment in segments]
        return ArnPattern(tuple(compile_tokens(segment) for segment in known), (), None)
    return ArnPattern(None, tuple(Template(segment) for segment in segments), None)


def _segments(parts: tuple[Part, ...]) -> list[list[str | Wild | Variable]]:
    """Cut the scanned pattern at the colons of its own text; those inside a variable's name or value do not count."""
    cut: list[list[Part]] = [[]]
    for part in parts:
        if not isinstance(part, str):
            cut[-1].append(part if isinstance(part, Variable) else Escaped(part.character))
            continue
        for at, piece in enumerate(part.split(":", _SEGMENTS - len(cut))):
            if at:
                cut.append([])
            if piece:
                cut[-1].append(piece)
    return [pattern_parts(tuple(segment), arn=False) for segment in cut]
