"""A pool's accent colour, made readable on light and on dark ground whatever colour its owner chose."""

from __future__ import annotations

import colorsys
import re

from poolhouse.user_pools.snapshots import Pool

DEFAULT = "#0f6f86"
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_READABLE = 4.6  # WCAG 2.2 asks for 4.5:1
_PAPER, _NIGHT = (1.0, 1.0, 1.0), (0.094, 0.106, 0.122)

Colour = tuple[float, float, float]


def accent(pool: Pool | None) -> str:
    """``#rrggbb`` from the pool's own settings (``accent``), or the house's colour. Anything else is ignored."""
    chosen = str((pool.settings.get("Poolhouse") or {}).get("accent") or "") if pool else ""
    return chosen.lower() if _HEX.fullmatch(chosen) else DEFAULT


def stylesheet(pool: Pool | None) -> str:
    """The custom properties that the pages' style sheet builds on."""
    chosen = _parse(accent(pool))
    light, dark = _readable(chosen, _PAPER), _readable(chosen, _NIGHT)
    return (
        f":root{{--accent:{_hex(light)};--on-accent:{_text_on(light)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{--accent:{_hex(dark)};--on-accent:{_text_on(dark)}}}}}\n"
    )


def _parse(text: str) -> Colour:
    return (int(text[1:3], 16) / 255, int(text[3:5], 16) / 255, int(text[5:7], 16) / 255)


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)


def _luminance(colour: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: Colour, other: Colour) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _readable(colour: Colour, ground: Colour) -> Colour:
    """``colour``, darkened or lightened in small steps until it can be read on ``ground``."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour)
    step = 0.02 if _luminance(ground) < 0.5 else -0.02
    while _contrast(colour, ground) < _READABLE and 0.0 < lightness + step < 1.0:
        lightness += step
        colour = colorsys.hls_to_rgb(hue, lightness, saturation)
    return colour


def _text_on(colour: Colour) -> str:
    black: Colour = (0.05, 0.06, 0.08)
    return "#ffffff" if _contrast(colour, _PAPER) >= _contrast(colour, black) else _hex(black)
