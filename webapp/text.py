"""Numbers, times and strangers' text as people read them; exact values stay beside them. Used by all templates."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

from market.cli.project.values import span as span
from market.records import REPUTATION_ONE
from market.tokens import TokenFacts
from market.units import NATIVE

BRIEF = 6
"""Decimals of an amount in running text; the exact one is in its title."""
FEW, LARGE = 2, 1_000_000
"""Decimals of amounts from so many whole tokens on."""
_DISGUISES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_COMBINING = 4
"""Marks over one letter that are shown; a name of hundreds would cover its neighbours."""


@dataclass(frozen=True)
class Coin:
    """The unit of a project, as far as its token is believed (`market.tokens`)."""

    token: str = NATIVE
    symbol: str = "ETH"
    decimals: int = 18

    def exact(self, units: int) -> str:
        """All digits: `0.0125`."""
        sign, units = ("-" if units < 0 else ""), abs(units)
        whole, rest = divmod(units, 10**self.decimals)
        digits = f"{rest:0{self.decimals}d}".rstrip("0") if self.decimals else ""
        return f"{sign}{whole:,}.{digits}" if digits else f"{sign}{whole:,}"

    def brief(self, units: int) -> str:
        """At most six decimals (two from a million on), with an ellipsis if something was cut; tiny amounts in smallest
        units."""
        kept = FEW if abs(units) >= LARGE * 10**self.decimals else BRIEF
        if self.decimals <= kept:
            return self.exact(units)
        step = 10 ** (self.decimals - kept)
        if 0 < abs(units) < step:
            return f"{units:,} wei" if self.token == NATIVE else f"{units:,} units"
        cut = abs(units) // step * step
        return self.exact(-cut if units < 0 else cut) + ("…" if abs(units) % step else "")

    def unit(self, units: int) -> str:
        """The symbol to write behind `brief`; empty where that names its own."""
        tiny = self.decimals > BRIEF and 0 < abs(units) < 10 ** (self.decimals - BRIEF)
        return "" if tiny else self.symbol

    def title(self, units: int) -> str:
        """For the tool tip: exact, in both units."""
        small = "wei" if self.token == NATIVE else f"smallest units of the token {self.token}"
        exact = f"{self.exact(units)} {self.symbol} = " if self.decimals else ""
        return f"{exact}{units:,} {small}"


def coin_of(token: TokenFacts) -> Coin:
    """The unit of a token; smallest units where it gives no decimals that can be believed."""
    if token.decimals is None:
        return Coin(token.address, "units", 0)
    return Coin(token.address, token.name, token.decimals)


def flat(value: object, name: str = "") -> list[tuple[str, str]]:
    """A document as rows of (name, text): parts of parts by their names together, lists between commas."""
    if isinstance(value, dict):
        return [row for key in sorted(value) for row in flat(value[key], f"{name} {key}".strip())]
    if isinstance(value, list):
        return [(name, ", ".join(map(str, value)) or "none")]
    return [(name, str(value))]


def when(at: int | None) -> str:
    """`21 Nov 2026 16:40:10 UTC`; a dash for no time."""
    if not at:
        return "-"
    try:
        return f"{datetime.fromtimestamp(at, UTC):%d %b %Y %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"second {at:,}"


def iso(at: int) -> str:
    """For `<time datetime>`; empty where no calendar reaches."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return ""


def short(text: str) -> str:
    """A hash, address or CID for narrow places: `0xf39F…2266`."""
    return text if len(text) <= 14 else f"{text[:6]}…{text[-4:]}"


def stranger(text: object, limit: int = 120) -> str:
    """Text that anybody may have written, with everything visible: control, direction and invisible characters become
    `⟨U+202E⟩`, piles of combining marks are cut, length is bounded. The template still escapes it."""
    out, marks = [], 0
    for letter in str(text)[: limit + 1]:
        category = unicodedata.category(letter)
        marks = marks + 1 if category == "Mn" else 0
        if category in _DISGUISES:
            out.append(f"⟨U+{ord(letter):04X}⟩")
        elif marks <= _COMBINING:
            out.append(letter)
    shown = "".join(out)
    return shown if len(str(text)) <= limit else "".join(out[:limit]) + "…"


def is_plain(text: object) -> bool:
    """Whether `stranger` shows the text as it is, and it mixes no alphabets: names that fail get a mark."""
    raw = str(text)
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in raw if letter.isalpha()}
    mixed = len(scripts & {"LATIN", "CYRILLIC", "GREEK"}) > 1
    return stranger(raw) == raw and not mixed


def q14(value: int | None) -> str:
    """Reputation and agreement: 2^14 is one."""
    return "-" if value is None else f"{value / REPUTATION_ONE:+.3f}".replace("+", "")


def q16(value: int | None) -> str:
    """Novelty: 2^16 is one."""
    return "-" if value is None else f"{value / (1 << 16):.3f}"


def percent_ppm(ppm: int | None) -> str:
    """Accuracy in millionths as a percentage with two decimals."""
    return "-" if ppm is None else f"{ppm // 10_000}.{ppm % 10_000 // 100:02d} %"


def weight_share(weight: int | None) -> str:
    """A weight of 65,535 as a percentage."""
    return "-" if weight is None else f"{weight * 10_000 // 65_535 / 100:.2f} %"


def plural(count: int, word: str) -> str:
    """`1 seal`, `2 seals`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
