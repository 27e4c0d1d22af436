"""Colors are computed from theme.css: text at least 4.5, controls and solids at least 3 (look/LOOK.md 2)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

THEME = Path(__file__).resolve().parents[2] / "salestio/static/salestio/theme.css"
TONES = ("ok", "work", "wait", "stop", "ask", "calm")


def tokens(theme: str) -> dict[str, str]:
    """Return the color tokens of the light or dark theme."""
    text = THEME.read_text(encoding="utf-8")
    light = re.search(r':root, \[data-bs-theme="light"\] \{(.*?)\n\}', text, re.S)
    dark = re.search(r'\n\[data-bs-theme="dark"\] \{(.*?)\n\}', text, re.S)
    assert light and dark
    chosen = light.group(1) if theme == "light" else dark.group(1)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", chosen))


def luminance(color: str) -> float:
    """Return WCAG's relative luminance."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return WCAG's contrast ratio, 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_on_every_surface(theme: str) -> None:
    color = tokens(theme)
    pairs = [(ink, ground) for ink in ("ink", "ink-2", "ink-3", "accent") for ground in ("canvas", "surface", "sunken")]
    pairs += [
        ("on-accent", "accent"),
        ("on-accent", "accent-hover"),
        ("ink-3", "accent-soft"),
        ("accent", "accent-soft"),
    ]
    pairs += [(tone, f"{tone}-soft") for tone in TONES] + [("ink", f"{tone}-soft") for tone in TONES]
    pairs += [("stop", "surface"), ("ok", "surface"), ("surface", "stop"), ("canvas", "ink")]

    weak = {
        f"{a} on {b}": round(contrast(color[a], color[b]), 2) for a, b in pairs if contrast(color[a], color[b]) < 4.5
    }

    assert weak == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_controls_and_solids_stand_out(theme: str) -> None:
    color = tokens(theme)
    pairs = [("control", "surface"), ("accent", "canvas")] + [(f"{tone}-solid", "surface") for tone in TONES]

    weak = {f"{a} on {b}": round(contrast(color[a], color[b]), 2) for a, b in pairs if contrast(color[a], color[b]) < 3}

    assert weak == {}


def test_no_color_stands_outside_the_tokens() -> None:
    text = THEME.read_text(encoding="utf-8")
    rules = text[text.index("/* 2 ──") :]
    rules = re.sub(r"url\(\"data:.*?\"\)", "", rules)

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])", rules) == []


def test_the_font_lies_beside_its_license() -> None:
    folder = THEME.parent / "fonts"

    assert (folder / "OFL.txt").is_file()
    assert (folder / "inter-ui-var.woff2").stat().st_size < 60_000


def test_no_words_take_the_color_of_the_canvas() -> None:
    """In a store's admin the canvas is transparent, and so were the words of the save bar and the toasts."""
    assert (
        re.findall(r"color: var\(--canvas\)", re.sub(r"background(-color)?: var\(--canvas\)", "", THEME.read_text()))
        == []
    )


def test_a_radio_of_which_none_is_chosen_does_not_look_chosen() -> None:
    """Browsers call such radios indeterminate: every product of the match dialog had a full dot."""
    assert re.findall(r"input(?!\[type=\"checkbox\"\]):indeterminate", THEME.read_text(encoding="utf-8")) == []
