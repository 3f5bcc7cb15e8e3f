"""The dashboard in a real browser over a real chain: an owner who creates and funds, a page that follows by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from market.chain.deployment import Deployment
from market.chain.gateway import Gateway
from market.demo.plan import AGGREGATOR_KEY, members
from market.demo.processes import Family
from market.devnet import Devnet, dev_account
from market.phases import Phase
from market.units import NATIVE
from tests.fixtures_chain import MakeGateway
from tests.webapp.browser import axe_violations, chromium, give_wallet, tab
from tests.webapp.conftest import settings_for
from tests.webapp.live import LiveSite, live_site, served
from webapp.sample_facts import SampleFacts
from webapp.samples import who
from webapp.text import Coin

pytestmark = pytest.mark.chain
OWNER = 0
PAGES = (
    "/",
    "/create",
    "/watch",
    "/patterns",
    "/projects/1",
    "/projects/2",
    "/projects/3",
    "/projects/1/rounds/6",
    "/projects/1/models",
    f"/trainers/{who(3)}",
    "/projects/99",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests here."""
    with chromium() as found:
        yield found


@pytest.fixture
def live(
    tmp_path: Path, anvil: Devnet, deployment: Deployment, make_gateway: MakeGateway
) -> Iterator[LiveSite]:
    """A site over the test's chain."""
    with live_site(tmp_path, anvil, deployment, make_gateway) as site:
        yield site


IRIS = {"title": "Three kinds of iris", "features": "4", "labels": "3", "budget": "0.01", "pot": "0.001"}


def fill_form(page: Page, site: LiveSite, **fields: str) -> None:
    """A linear model for two trainers; `fields` instead of the iris project."""
    page.goto(f"{site.url}/create")
    for group in ("#g-model", "#g-time"):
        page.click(f"{group} summary")
    wanted = {**(fields or IRIS), "seats": "2", "min_seals": "2", "hidden": "none"}
    preset = wanted.pop("preset", "")
    if preset:
        page.select_option("#f-preset", preset)
    for name, value in wanted.items():
        page.fill(f"#f-{name}", value)
    page.keyboard.press("Tab")
    expect(page.locator("#hash")).to_be_visible()


def create_in_browser(page: Page, site: LiveSite, **fields: str) -> None:
    """Signs `create` and `fund`; ends on the project's page."""
    fill_form(page, site, **fields)
    budget = fields.get("budget", "0.01")
    page.click("button[data-call=create]")
    expect(page.locator("#sign-title")).to_have_text("Another network")
    page.click("#sign-go")
    expect(page.locator("#sign-title")).to_have_text("Create the project")
    expect(page.locator("#sign .checks .ok")).to_have_count(4)
    page.click("#sign-go")
    expect(page.locator("#sign-title")).to_have_text("Project 1 exists")
    page.click("#sign-go")
    expect(page.locator("#sign-title")).to_have_text("Fund project 1")
    expect(page.locator("#sign .sign-value")).to_have_text(f"Sends {budget} ETH")
    page.click("#sign-go")
    page.wait_for_url(f"{site.url}/projects/1")


def sign(page: Page, button: str, *checks: str) -> None:
    """Presses a button, compares what the dialog says with `checks`, signs and closes."""
    page.click(button)
    for text in checks:
        expect(page.locator("#sign")).to_contain_text(text)
    page.click("#sign-go")
    expect(page.locator("#sign-title")).to_have_text("Done")
    page.click("#sign .sign-foot button")


def amount(page: Page, place: str) -> int:
    """Smallest units of the amount at a place of the page."""
    return int(page.locator(f"{place} data").first.get_attribute("value") or "")


SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.shifts += one.value; })
  .observe({ type: "layout-shift", buffered: true });
"""
DIGITS = {"title": "Digits, live", "features": "64", "labels": "10", "preset": "demo"}
DIGITS |= {"budget": "0.0015", "pot": "0.001", "divide_by": "16", "learning_rate": "0.3", "local_steps": "50"}
DIGITS |= {"window_commit": "180s", "window_reveal": "180s"}


@contextmanager
def real_processes(live: LiveSite) -> Iterator[Family]:
    """An aggregator and two trainers for project 1, each the real command in a process of its own."""
    live.make_gateway().deployment.save(live.home / "deployments" / f"{live.chain.chain_id}.json")
    environment = {"FAIRTRAIN_HOME": str(live.home), "FAIRTRAIN_RPC": live.chain.url, "OMP_NUM_THREADS": "1"}
    environment["FAIRTRAIN_STORE"] = f"folder:{live.home / 'store'}"
    with Family(live.home / "logs", environment) as family:
        poll = ("--poll", "0.2")
        family.start("aggregator", "aggregator", "run", "1", "--devnet-key", str(AGGREGATOR_KEY), *poll)
        for one in members(2, {}, 3, 0.5):
            role = ("trainer", "run", "1", "--devnet-key", str(one.key), "--data", one.data)
            family.start(f"trainer-{one.seat}", *role, "--join", "--yes", "--seat", str(one.seat), *poll)
        yield family


def test_whole_life_of_a_project_in_the_browser__page_follows_and_every_number_is_the_chains(
    browser: Browser, live: LiveSite
) -> None:
    chain, owner = live.make_gateway(OWNER), dev_account(OWNER).address
    with tab(browser) as page:
        give_wallet(page, live.chain, owner)
        create_in_browser(page, live, **DIGITS)
        expect(page.locator("h1")).to_have_text("Digits, live")
        params, _ = chain.params(1)
        assert (params.pot, params.seats, params.coefficients, params.windows.commit) == (10**15, 2, 650, 180)
        assert (chain.project(1).owner, chain.project(1).escrow) == (owner, 15 * 10**14)
        page.evaluate("window.loadedOnce = true")

        chain.send("fund", 1, 10**15, value=10**15)
        expect(page.locator(".term.is-refundable data")).to_have_attribute("value", str(25 * 10**14))
        live.chain.request("anvil_reorg", 1, [])
        expect(page.locator(".term.is-refundable data")).to_have_attribute("value", str(15 * 10**14))

        with real_processes(live):
            expect(page.locator("section[aria-label=Trainers] tbody tr")).to_have_count(2, timeout=60_000)
            expect(page.locator(".hero .eyebrow")).to_contain_text("Round 1", timeout=60_000)
            sign(page, "button[data-call='owner/stop']", "stop:", "Sends no coins")
            expect(page.locator("button[data-call='owner/stop']")).to_have_count(0)
            expect(page.locator(".hero.is-standing")).to_be_visible(timeout=90_000)
        # everybody has gone home: what is left is the owner's browser
        live.chain.request("evm_increaseTime", params.windows.challenge)
        live.chain.request("evm_mine")
        sign(page, "button[data-call='chore/finalise']", "finalise:")
        expect(page.locator(".hero.is-final")).to_be_visible()
        compare_with_chain(page, chain)

        paid = amount(page, "section[aria-label=Trainers] td[data-th='to claim']")
        payout = chain.seat(1, 0).payout
        sign(
            page,
            "button[data-call='seat/claim'][data-seat='0']",
            f"Credited to: {payout}",
            f"= {paid} smallest",
        )
        expect(page.locator("section[aria-label=Trainers] td[data-th=claimed] data").first).to_have_attribute(
            "value", str(paid)
        )
        assert (chain.seat(1, 0).claimed, chain.credit(NATIVE, payout)) == (paid, paid)
        rest = chain.project(1).escrow
        sign(page, "button[data-call='owner/refund']", "refund:")
        sign(page, "button[data-call=withdraw]", f"Your whole credit: {Coin().exact(rest)} ETH")
        assert (chain.project(1).escrow, chain.credit(NATIVE, owner)) == (0, 0)
        assert page.evaluate("window.loadedOnce"), "the page was loaded once and followed by itself"
        compare_round_with_chain(page, live, chain)


def compare_with_chain(page: Page, chain: Gateway) -> None:
    """The money equation and pay of a project with one FINAL round, from getters alone."""
    project, result, (params, _) = chain.project(1), chain.result(1, 1), chain.params(1)
    assert chain.round(1, 1).phase is Phase.FINAL
    seats = [chain.seat(1, seat) for seat in range(2)]
    paid = sum(seat.claimed for seat in seats) + project.bucket + params.fee
    assert result.paid == paid - params.fee > 0
    terms = [amount(page, f".term.is-{name}") for name in ("in", "paid", "refundable", "locked", "dust")]
    assert terms == [15 * 10**14, paid, project.escrow, 0, 0]
    rows = page.locator("section[aria-label=Trainers] tbody tr")
    shown = [
        [int(one.get_attribute("value") or "") for one in row.locator("data").all()] for row in rows.all()
    ]
    assert sum(earned for earned, *_ in shown) == result.paid
    for (earned, claimed, due, stake), seat in zip(shown, seats, strict=True):
        assert (claimed, due, stake) == (seat.claimed, earned - seat.claimed, seat.stake)


def compare_round_with_chain(page: Page, live: LiveSite, chain: Gateway) -> None:
    """Verdicts, roots and pay of the round's page."""
    page.goto(f"{live.url}/projects/1/rounds/1")
    result, view = chain.result(1, 1), chain.round(1, 1)
    rows = page.locator("section[aria-label=Updates] tbody tr")
    expect(rows).to_have_count(view.reveal_count)
    assert [row.locator("td[data-th=verdict]").inner_text().strip().lower() for row in rows.all()] == (
        ["honest"] * result.included_count
    )
    pays = [int(row.locator("td[data-th=pay] data").get_attribute("value") or "") for row in rows.all()]
    assert (sum(pays), amount(page, "dl.stats")) == (result.paid, view.pot)
    assert page.locator("section[aria-label=Results] [data-copy]").first.get_attribute("data-copy")
    text = page.content()
    assert all(
        word in text for word in (result.poster, "0x" + result.commitment.hex(), "0x" + view.base_root.hex())
    )


def test_create_after_an_edit__waits_for_the_preview_of_that_edit(browser: Browser, live: LiveSite) -> None:
    """Else a hasty owner would sign what the form said a moment ago."""
    with tab(browser) as page:
        give_wallet(page, live.chain, dev_account(OWNER).address)
        fill_form(page, live)
        button, before = page.locator("button[data-call=create]"), page.locator("#hash").text_content()
        expect(button).to_be_enabled()

        page.fill("#f-seats", "3")

        assert button.is_disabled()
        expect(button).to_be_enabled()
        assert page.locator("#hash").text_content() != before


def test_owner_who_declines_or_is_refused__nothing_is_sent_and_the_reason_is_shown(
    browser: Browser, live: LiveSite
) -> None:
    with tab(browser) as page:
        give_wallet(page, live.chain, dev_account(OWNER).address)
        create_in_browser(page, live)
    with tab(browser) as page:
        give_wallet(page, live.chain, dev_account(7).address, hex(live.chain.chain_id))
        page.goto(f"{live.url}/projects/1")

        page.click("button[data-call='owner/stop']")

        expect(page.locator("#sign")).to_contain_text("MarketNotOwner")
        assert page.evaluate("window.signed === undefined")


def test_token_project_in_the_browser__approves_exactly_what_it_locks(
    browser: Browser, live: LiveSite, erc20: str
) -> None:
    owner = dev_account(OWNER).address
    with tab(browser) as page:
        give_wallet(page, live.chain, owner, hex(live.chain.chain_id))
        page.goto(f"{live.url}/create")
        fields = {"title": "Paid in tokens", "features": "4", "labels": "3", "token": erc20}
        for name, value in {**fields, "budget": "10", "seats": "2", "min_seals": "2"}.items():
            page.fill(f"#f-{name}", value)
        page.keyboard.press("Tab")
        expect(page.locator("#f-decimals")).to_have_value("18")
        expect(page.locator(".preview")).to_contain_text("0.5 TEST")
        expect(page.locator("label[for=f-budget] .unit")).to_have_text("TEST")
        expect(page.locator("button[data-call=create]")).to_be_enabled()
        page.click("button[data-call=create]")
        for title in ("Create the project", "Project 1 exists"):
            expect(page.locator("#sign-title")).to_have_text(title)
            page.click("#sign-go")
        expect(page.locator("#sign-title")).to_contain_text("take exactly this amount (1 of 2)")
        expect(page.locator("#sign .words")).to_contain_text(f"10 TEST = {10 * 10**18} smallest units")
        page.click("#sign-go")
        expect(page.locator("#sign-title")).to_have_text("Fund project 1 (2 of 2)")
        expect(page.locator("#sign .sign-value")).to_have_text("Sends no coins")
        page.click("#sign-go")
        page.wait_for_url(f"{live.url}/projects/1")
        expect(page.locator(".term.is-refundable")).to_contain_text("10 TEST")
        expect(page.locator(".meta")).to_contain_text("by its own word the token")

    gateway = live.make_gateway()
    assert gateway.project(1).escrow == 10 * 10**18
    assert gateway.token(erc20).allowance(owner, gateway.address) == 0


def test_sentence_then_form_then_file__one_hash_in_a_real_browser(browser: Browser, tmp_path: Path) -> None:
    with served(settings_for(tmp_path), SampleFacts()) as url, tab(browser) as page:
        page.goto(f"{url}/create")
        page.fill("#sentence", "classify my 12-column CSV, 20 hospitals, budget 2 ETH, stop at 95 %")
        page.click("button[value=wish]")
        expect(page.locator(".reading")).to_contain_text("Which classes are there?")
        page.fill("#f-labels", "3")
        page.keyboard.press("Tab")
        first = page.locator("#hash").text_content()
        with page.expect_download() as saved:
            page.click("button[formaction='/create/file']")
        page.goto(f"{url}/create")
        page.click("#import summary")
        page.set_input_files("#configuration-file", saved.value.path())
        expect(page.locator("#configuration")).not_to_have_value("")
        page.click("button[value=import]")

        expect(page.locator("#hash")).to_have_text(first or "")
        expect(page.locator("#f-goal")).to_have_value("95")


def test_open_page_that_is_asked_for_again__moves_nothing(browser: Browser, tmp_path: Path) -> None:
    """What did not change is not swapped; what is swapped takes the same room."""
    with served(settings_for(tmp_path, poll_s=600), SampleFacts()) as url, tab(browser) as page:
        page.add_init_script(SHIFTS)
        for path in ("/projects/1", "/projects/1/rounds/6", "/watch", "/"):
            page.goto(url + path)
            page.wait_for_load_state("networkidle")
            page.evaluate("document.querySelector('details').open = true") if path == "/projects/1" else None
            page.evaluate("window.shifts = 0")
            for _ in range(2):
                page.evaluate("window.was = document.querySelector('#live').firstElementChild")
                with page.expect_response(
                    lambda answer: "part=live" in answer.url and "/status" not in answer.url
                ):
                    page.evaluate("htmx.trigger(document.body, 'poll')")
                page.wait_for_timeout(150)

            assert page.evaluate("window.shifts") == 0, path
            assert page.evaluate("window.was === document.querySelector('#live').firstElementChild"), path


def test_pages_in_every_theme_and_width__axe_finds_nothing(browser: Browser, tmp_path: Path) -> None:
    found = []
    with served(settings_for(tmp_path), SampleFacts()) as url:
        for scheme, width in (("light", 1440), ("dark", 390)):
            with tab(browser, color_scheme=scheme, viewport={"width": width, "height": 844}) as page:
                for path in PAGES:
                    page.goto(url + path)
                    found += [f"{path} {scheme}: {one}" for one in axe_violations(page)]
                    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                        found.append(f"{path} {width}: wider than the window")

    assert not found
