"""Wildcard patterns: `*` for any text and `?` for one character, compiled once and matched without ever going back.

A policy is written by one party and judged by another, so a pattern is an attack surface: `a*a*a*a*b` must cost no
more than a plain string. Nothing here backtracks. Patterns of literals and stars are a walk of `str.find`; all others
run on a set of states kept in the bits of one integer, one step for each character of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

Matcher = Callable[[str], bool]


class Wild(Enum):
    """A wildcard of a pattern; the segment forms stop at a colon."""

    ANY = "*"
    ONE = "?"
    ANY_IN_SEGMENT = "*:"
    ONE_IN_SEGMENT = "?:"


Token = str | Wild

_ARN_SEGMENTS = 6


def tokens(text: str) -> list[Token]:
    """Split a pattern in which wildcards may stand for every character.

    >>> tokens("a*b")
    ['a', <Wild.ANY: '*'>, 'b']
    """
    found: list[Token] = []
    literal_from = 0
    for at, character in enumerate(text):
        if character in "*?":
            if literal_from < at:
                found.append(text[literal_from:at])
            found.append(Wild.ANY if character == "*" else Wild.ONE)
            literal_from = at + 1
    if literal_from < len(text):
        found.append(text[literal_from:])
    return found


def within_segments(parts: Iterable[Token | object]) -> list[Token | object]:
    """Confine the wildcards of an ARN to their segment, as IAM does: only a star that ends its segment crosses colons.

    The sixth segment names the resource in its service's own way and may hold colons, so wildcards there are free.
    Parts that are neither text nor wildcards (variables) are passed on untouched.
    """
    given = list(parts)
    confined: list[Token | object] = []
    colons = 0
    for at, part in enumerate(given):
        if isinstance(part, str):
            colons += part.count(":")
        elif colons < _ARN_SEGMENTS - 1:
            follower = given[at + 1] if at + 1 < len(given) else ":"
            ends_segment = isinstance(follower, str) and follower.startswith(":")
            if part is Wild.ONE:
                part = Wild.ONE_IN_SEGMENT
            elif part is Wild.ANY and not ends_segment:
                part = Wild.ANY_IN_SEGMENT
        confined.append(part)
    return confined


def compile_tokens(parts: Iterable[Token]) -> Matcher:
    """Make the fastest matcher that the pattern allows."""
    pattern = _merged(parts)
    if not any(isinstance(part, Wild) for part in pattern):
        return "".join(part for part in pattern if isinstance(part, str)).__eq__
    if all(part is Wild.ANY or isinstance(part, str) for part in pattern):
        return _pieces(pattern)
    return _states(pattern)


def compile_pattern(text: str) -> Matcher:
    """Make a matcher for a pattern given as text.

    >>> compile_pattern("photos/*/?.jpg")("photos/ann/1.jpg")
    True
    """
    return compile_tokens(tokens(text))


def _merged(parts: Iterable[Token]) -> list[Token]:
    """Join neighbours: two literals are one, two stars are the wider of them."""
    merged: list[Token] = []
    stars = (Wild.ANY, Wild.ANY_IN_SEGMENT)
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, str) and isinstance(last, str):
            merged[-1] = last + part
        elif part in stars and last in stars:
            merged[-1] = Wild.ANY if Wild.ANY in (part, last) else Wild.ANY_IN_SEGMENT
        elif part != "":
            merged.append(part)
    return merged


def _pieces(pattern: list[Token]) -> Matcher:
    """Literals around free stars: each is best found at its first place, so one walk decides."""
    prefix = pattern[0] if isinstance(pattern[0], str) else ""
    suffix = pattern[-1] if isinstance(pattern[-1], str) else ""
    inner = pattern[bool(prefix) : len(pattern) - bool(suffix)]
    middles = tuple(part for part in inner if isinstance(part, str))
    if not middles and not suffix:
        return lambda text: text.startswith(prefix)
    edges = len(prefix) + len(suffix)

    def matches(text: str) -> bool:
        if len(text) < edges or not text.startswith(prefix) or not text.endswith(suffix):
            return False
        at, end = len(prefix), len(text) - len(suffix)
        for middle in middles:
            at = text.find(middle, at, end)
            if at < 0:
                return False
            at += len(middle)
        return True

    return matches


def _states(pattern: list[Token]) -> Matcher:
    """A non-deterministic automaton whose live states are the bits of one integer (Baeza-Yates and Gonnet's Shift-And).

    Bit n is alive when the first n characters of the pattern have matched; a star is a loop on the bit where it stands.
    """
    prefix = pattern[0] if isinstance(pattern[0], str) else ""
    advance: dict[str, int] = {}
    one = one_but_colon = loops = loops_but_colon = 0
    bit = 1
    for part in pattern:
        if isinstance(part, str):
            for character in part:
                advance[character] = advance.get(character, 0) | bit
                bit <<= 1
        elif part is Wild.ANY:
            loops |= bit
        elif part is Wild.ANY_IN_SEGMENT:
            loops_but_colon |= bit
        else:
            one_but_colon |= bit
            one |= bit if part is Wild.ONE else 0
            bit <<= 1
    accept = bit
    for character, mask in advance.items():
        advance[character] = mask | (one if character == ":" else one_but_colon)
    advance.setdefault(":", one)
    loops_but_colon |= loops

    def matches(text: str) -> bool:
        if not text.startswith(prefix):
            return False
        alive = 1
        for character in text:
            held = loops if character == ":" else loops_but_colon
            alive = (alive & advance.get(character, one_but_colon)) << 1 | alive & held
            if not alive:
                return False
        return bool(alive & accept)

    return matches
