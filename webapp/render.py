"""Templates: one environment with escaping always on, filters for numbers, and pinned hashes of our own files."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from webapp import text
from webapp.settings import Settings
from webapp.text import Coin

HERE = Path(__file__).parent
STATIC = HERE / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""What is served from `static`, and as what."""


NOTHING = Markup('<span class="quiet">-</span>')


@dataclass(frozen=True)
class Asset:
    """A file of ours, read once. `integrity` is for the browser (W4), `url` changes with the content."""

    name: str
    data: bytes
    media: str

    @property
    def integrity(self) -> str:
        """Subresource integrity."""
        return "sha384-" + base64.b64encode(hashlib.sha384(self.data).digest()).decode()

    @property
    def url(self) -> str:
        """Its address."""
        return f"/static/{self.name}?v={hashlib.sha256(self.data).hexdigest()[:12]}"


def load_assets() -> dict[str, Asset]:
    """Every file of `static` by name."""
    return {
        path.name: Asset(path.name, path.read_bytes(), TYPES[path.suffix])
        for path in sorted(STATIC.iterdir())
        if path.suffix in TYPES
    }


def amount(units: int | None, coin: Coin) -> Markup:
    """An amount with its unit, exact on hover."""
    if units is None:
        return NOTHING
    title, unit = escape(coin.title(units)), coin.unit(units)
    shown = f'<data class="num" value="{units:d}" title="{title}">{escape(coin.brief(units))}</data>'
    return Markup(f'{shown} <span class="unit">{escape(unit)}</span>' if unit else shown)


def moment(at: int | None) -> Markup:
    """A point in time; scripts add how far away it is."""
    if not at:
        return NOTHING
    return Markup(f'<time datetime="{text.iso(at)}" data-at="{at:d}">{text.when(at)}</time>')


def hexa(value: str, word: str = "hash") -> Markup:
    """A hash, address or CID: short, whole on hover, with a button that copies it."""
    return Markup(f'<span class="hexa">{_code(value)}{_copy(value, word)}</span>') if value else NOTHING


def account(value: str) -> Markup:
    """An address in EIP-55 form, linked to what it did as a trainer."""
    if not value:
        return NOTHING
    return Markup(
        f'<a class="account" href="/trainers/{escape(value)}">{_code(value)}</a>{_copy(value, "address")}'
    )


def _code(value: str) -> str:
    return f'<code title="{escape(value)}">{escape(text.short(value))}</code>'


def _copy(value: str, word: str) -> str:
    label = f"Copy {escape(word)} {escape(text.short(value))}"
    return f'<button type="button" class="copy" data-copy="{escape(value)}" aria-label="{label}"></button>'


def stranger(value: object) -> Markup:
    """Text of a stranger: escaped, made visible, isolated in its direction, marked if it might mislead."""
    shown = Markup('<bdi class="stranger">{}</bdi>').format(text.stranger(value))
    if text.is_plain(value):
        return shown
    return shown + Markup(
        ' <span class="mark" title="This text holds characters that can mislead.">unusual text</span>'
    )


def _command(text: str) -> Markup:
    """A command whose options do not break at their hyphens."""
    words = Markup(" ").join(Markup('<span class="word">{}</span>').format(word) for word in text.split())
    return Markup("<code>{}</code>").format(words)


def prose(value: str) -> Markup:
    """Our own sentences: what stands between backticks is a command."""
    parts = [_command(part) if n % 2 else escape(part) for n, part in enumerate(value.split("`"))]
    return Markup("").join(parts)


class Pages:
    """Renders templates for one site."""

    def __init__(self, settings: Settings, version: str) -> None:
        self.assets = load_assets()
        self._env = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.filters.update(
            amount=amount,
            moment=moment,
            hexa=hexa,
            account=account,
            stranger=stranger,
            prose=prose,
            span=text.span,
            flat=text.flat,
            q14=text.q14,
            q16=text.q16,
            ppm=text.percent_ppm,
            weight=text.weight_share,
            plural=text.plural,
        )
        self._env.globals.update(assets=self.assets, settings=settings, version=version, native=Coin())
        self._env.globals["ui"] = self._env.get_template("macros.html").module

    def page(self, name: str, **context: Any) -> str:
        """A whole page."""
        return self._env.get_template(f"{name}.html").render(**context)

    def part(self, name: str, block: str, **context: Any) -> str:
        """One block of a page's own template: what a page fetches again while it is open."""
        template = self._env.get_template(f"{name}.html")
        return "".join(template.blocks[block](template.new_context(context)))
