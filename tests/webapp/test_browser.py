"""The dashboard in a real browser over a real chain: an owner who creates and funds, a page that follows by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from market.chain.deployment import Deployment
from market.devnet import Devnet, dev_account
from tests.cli.project_world import World
from tests.fixtures_chain import MakeGateway
from tests.webapp.browser import axe_violations, chromium, give_wallet, tab
from tests.webapp.conftest import settings_for
from tests.webapp.live import LiveSite, live_site, served, wait_until
from webapp.sample_facts import SampleFacts
from webapp.samples import who

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


def fill_form(page: Page, site: LiveSite) -> None:
    """The iris project of `tests.cli.project_world`, field by field."""
    page.goto(f"{site.url}/create")
    fields = {
        "title": "Three kinds of iris",
        "features": "4",
        "labels": "3",
        "budget": "0.01",
        "pot": "0.001",
    }
    fields |= {"seats": "2", "min_seals": "2"}
    for name, value in fields.items():
        page.fill(f"#f-{name}", value)
    page.click("#g-model summary")
    page.fill("#f-hidden", "none")
    page.keyboard.press("Tab")
    expect(page.locator("#hash")).to_be_visible()


def create_in_browser(page: Page, site: LiveSite) -> None:
    """Signs `create` and `fund`; ends on the project's page."""
    fill_form(page, site)
    page.click("button[data-call=create]")
    expect(page.locator("#sign-title")).to_have_text("Another network")
    page.click("#sign-go")
    expect(page.locator("#sign-title")).to_have_text("Create the project")
    expect(page.locator("#sign .checks .ok")).to_have_count(4)
    page.click("#sign-go")
    expect(page.locator("#sign-title")).to_have_text("Project 1 exists")
    page.click("#sign-go")
    expect(page.locator("#sign-title")).to_have_text("Fund project 1")
    expect(page.locator("#sign .sign-value")).to_have_text("Sends 0.01 ETH")
    page.click("#sign-go")
    page.wait_for_url(f"{site.url}/projects/1")


def world_of(site: LiveSite) -> World:
    """Trainers and an aggregator for project 1."""
    terminal: Any = SimpleNamespace(home=site.home, chain=site.chain)
    return World(terminal, site.make_gateway, 1)


def test_owner_creates_and_funds_in_the_browser__chain_has_what_the_form_said(
    browser: Browser, live: LiveSite
) -> None:
    with tab(browser) as page:
        give_wallet(page, live.chain, dev_account(OWNER).address)

        create_in_browser(page, live)

        expect(page.locator("h1")).to_have_text("Three kinds of iris")
        expect(page.locator(".term.is-refundable")).to_contain_text("0.01")
        assert [int(one["value"], 16) for one in page.evaluate("window.signed || []")] == []

    gateway = live.make_gateway()
    params, _ = gateway.params(1)
    project = gateway.project(1)
    assert (params.pot, params.seats, params.min_seals, params.coefficients) == (10**15, 2, 2, 15)
    assert (project.owner, project.escrow) == (dev_account(OWNER).address, 10**16)


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


def test_project_page__follows_a_running_round_without_reload(browser: Browser, live: LiveSite) -> None:
    with tab(browser) as page:
        give_wallet(page, live.chain, dev_account(OWNER).address)
        create_in_browser(page, live)
        page.evaluate("window.loadedOnce = true")
        world = world_of(live)

        world.join()
        expect(page.locator("section[aria-label=Trainers] tbody tr")).to_have_count(2)
        world.posters.send("open", 1)
        expect(page.locator(".hero.is-commit")).to_be_visible()
        world.seal_and_reveal(1)
        expect(page.locator(".hero.is-aggregate")).to_be_visible()
        expect(page.locator(".hero .progress")).to_contain_text("2 of 2 revealed")
        world.post(1, (300, 500))
        expect(page.locator(".hero.is-standing")).to_be_visible()
        expect(page.locator("#chart-pay rect.column")).to_have_count(2)

        assert page.evaluate("window.loadedOnce")


def test_project_page_after_a_reorganisation__shows_the_new_chain(browser: Browser, live: LiveSite) -> None:
    with tab(browser) as page:
        give_wallet(page, live.chain, dev_account(OWNER).address)
        create_in_browser(page, live)
        world = world_of(live)
        world.join()
        joined = int(live.chain.request("eth_blockNumber"), 16)
        world.posters.send("open", 1)
        expect(page.locator(".hero.is-commit")).to_be_visible()

        live.chain.request("anvil_reorg", int(live.chain.request("eth_blockNumber"), 16) - joined, [])

        expect(page.locator(".hero-title")).to_have_text("No round yet")
        expect(page.locator("section[aria-label=Trainers] tbody tr")).to_have_count(2)


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


def test_owner_stops_and_is_refunded_in_the_browser__escrow_comes_back(
    browser: Browser, live: LiveSite
) -> None:
    with tab(browser) as page:
        give_wallet(page, live.chain, dev_account(OWNER).address, hex(live.chain.chain_id))
        fill_form(page, live)
        page.click("button[data-call=create]")
        for _ in range(3):
            page.click("#sign-go")
        page.wait_for_url(f"{live.url}/projects/1")

        page.click("button[data-call='owner/stop']")
        page.click("#sign-go")
        expect(page.locator("#sign-title")).to_have_text("Done")
        wait_until(lambda: (found := live.reader.project(1)) and found.state == "stopped")
        page.reload()
        page.click("button[data-call='owner/refund']")
        page.click("#sign-go")
        expect(page.locator("#sign-title")).to_have_text("Done")

    gateway = live.make_gateway()
    assert gateway.project(1).escrow == 0
    assert gateway.credit("0x" + "00" * 20, dev_account(OWNER).address) == 10**16


def test_token_project_in_the_browser__approves_exactly_what_it_locks(
    browser: Browser, live: LiveSite, erc20: str
) -> None:
    owner = dev_account(OWNER).address
    with tab(browser) as page:
        give_wallet(page, live.chain, owner, hex(live.chain.chain_id))
        page.goto(f"{live.url}/create")
        fields = {"title": "Paid in tokens", "features": "4", "labels": "3", "token": erc20, "decimals": "18"}
        for name, value in {**fields, "budget": "10", "seats": "2", "min_seals": "2"}.items():
            page.fill(f"#f-{name}", value)
        page.keyboard.press("Tab")
        page.click("button[data-call=create]")
        for title in ("Create the project", "Project 1 exists"):
            expect(page.locator("#sign-title")).to_have_text(title)
            page.click("#sign-go")
        expect(page.locator("#sign-title")).to_contain_text("take exactly this amount (1 of 2)")
        expect(page.locator("#sign .words")).to_contain_text(f"{10 * 10**18} smallest units")
        page.click("#sign-go")
        expect(page.locator("#sign-title")).to_have_text("Fund project 1 (2 of 2)")
        expect(page.locator("#sign .sign-value")).to_have_text("Sends no coins")
        page.click("#sign-go")
        page.wait_for_url(f"{live.url}/projects/1")

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
