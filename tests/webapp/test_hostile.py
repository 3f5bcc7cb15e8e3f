"""Strangers' text on pages (W1) and what could be mistaken for something else (W10)."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.index import views as v
from market.phases import Phase
from market.tokens import TokenFacts
from tests.webapp.conftest import Client, Open
from webapp.render import stranger
from webapp.sample_facts import SampleFacts
from webapp.samples import DESCRIPTION, HOSTILE, NOW, project_page, project_row, result_row, update_row, who
from webapp.text import Coin, coin_of, is_plain, short, when
from webapp.text import stranger as visible

ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</textarea><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe",
    "a\u200bb",
    "nul\x00byte",
    "\ud800lone",
    "x" * 10_000,
    "a" + "\u0301" * 500,
    HOSTILE,
]


class HostileFacts(SampleFacts):
    """Every text that anybody can write is an attack."""

    def __init__(self, text: str) -> None:
        super().__init__(problem=text)
        self.text = text

    def projects(self, offset: int = 0, limit: int = 20) -> v.Page[v.ProjectRow]:
        return v.Page([project_row(1, Phase.COMMIT, self.text)], 1, 0, limit)

    def project(self, number: int, rounds: int = 20) -> v.ProjectPage | None:
        page = project_page(title=self.text)
        keys = {**DESCRIPTION, "title": self.text}
        return replace(page, description=keys, description_problem=self.text)

    def round(self, project: int, number: int) -> v.RoundPage | None:
        found = super().round(1, 6)
        assert found is not None
        updates = [replace(update_row(seat), reason=self.text, verdict="malicious") for seat in range(3)]
        events = [replace(found.timeline[0], name=self.text)]
        return replace(
            found, updates=updates, results=[replace(result_row(), problem=self.text)], timeline=events
        )


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text)[:24])
@pytest.mark.parametrize("path", ["/", "/projects/1", "/projects/1/rounds/6", "/watch"])
def test_pages_with_hostile_text__show_it_and_run_nothing(open_site: Open, path: str, text: str) -> None:
    answer = open_site(HostileFacts(text)).get(path)

    assert answer.status_code == 200
    shown = answer.text
    for raw in ("<script>alert", "<img src=x", "\u202e", "\u200b", "\x00"):
        assert raw not in shown
    assert "x" * 200 not in shown
    assert "\u0301" * 5 not in shown


@given(st.text(max_size=300))
def test_stranger_any_text__is_escaped_and_visible(text: str) -> None:
    shown = str(stranger(text))

    body = shown.partition('<bdi class="stranger">')[2].partition("</bdi>")[0]
    assert "<" not in body
    assert ">" not in body
    assert '"' not in body
    assert not {unicodedata.category(letter) for letter in body} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@pytest.mark.parametrize(
    "text",
    ["paypal", "Blutwerte, größer als 3", "\u6c34\u7a3b", "\u041c\u043e\u0434"],
)
def test_is_plain_ordinary_names__no_mark(text: str) -> None:
    assert is_plain(text)


@pytest.mark.parametrize("text", ["p\u0430ypal", "a\u200bb", "\u202eabc", "x" * 200, "a" + "\u0301" * 9])
def test_is_plain_names_that_mislead__mark(text: str) -> None:
    assert not is_plain(text)
    assert "unusual text" in stranger(text)


@pytest.mark.parametrize(("length", "cut"), [(119, False), (120, False), (121, True)])
def test_stranger_at_its_length__cuts_one_more(length: int, cut: bool) -> None:
    assert visible("a" * length).endswith("…") == cut


def test_addresses__always_in_eip55_form(site: Client) -> None:
    text = site.get("/projects/1").text

    for number in range(11):
        assert who(number) in text
        assert who(number).lower() == who(number) or who(number).lower() not in text


@pytest.mark.parametrize(
    ("units", "coin", "text"),
    [
        (0, Coin(), "0"),
        (1, Coin(), "1 wei"),
        (10**12 - 1, Coin(), "999,999,999,999 wei"),
        (10**12, Coin(), "0.000001"),
        (10**18 + 1, Coin(), "1…"),
        (-(10**18), Coin(), "-1"),
        (1_500_000, Coin(who(1), "USDC", 6), "1.5"),
        (1_500_000, coin_of(TokenFacts(who(1), "USDC", None)), "1,500,000"),
        (1_500_000, coin_of(TokenFacts(who(1), "USDC", 6)), "1.5"),
    ],
)
def test_brief_amounts__never_claim_more_than_they_show(units: int, coin: Coin, text: str) -> None:
    assert coin.brief(units) == text


@given(st.integers(0, 2**96 - 1), st.integers(0, 36))
def test_exact_amounts__read_back(units: int, decimals: int) -> None:
    whole, _, rest = Coin(who(1), "T", decimals).exact(units).replace(",", "").partition(".")

    assert int(whole + rest.ljust(decimals, "0")) == units


@pytest.mark.parametrize("at", [None, 0, NOW, 1 << 62, -(1 << 62)])
def test_when_any_time__never_fails(at: int | None) -> None:
    assert when(at)


def test_short__keeps_both_ends() -> None:
    assert short(who(0)) == "0x0101…0101"


def test_templates__never_switch_escaping_off() -> None:
    from webapp.render import HERE

    for path in (HERE / "templates").glob("*.html"):
        source = path.read_text()
        assert "|safe" not in source.replace(" ", "")
        assert "autoescape" not in source
