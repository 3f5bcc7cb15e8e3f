"""Every number on a page is the chain's: pages of a market that was played, beside the contract's own getters."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from market.chain.deployment import Deployment
from market.chain.gateway import Gateway
from market.devnet import Devnet, dev_account
from market.units import NATIVE
from tests.cli.project_world import AGGREGATOR, FIRST_TRAINER, OWNER, World
from tests.fixtures_chain import MakeGateway
from tests.webapp.live import LiveSite, live_site, wait_until
from webapp.form import read_form
from webapp.publish import Publisher
from webapp.settings import Settings

pytestmark = pytest.mark.chain
FIELDS = {"title": "Iris", "features": "4", "labels": "3", "hidden": "none", "seats": "2", "min_seals": "2"}
FIELDS |= {"pot": "0.001", "budget": "0.01"}
PAYS = ((3 * 10**14, 5 * 10**14), (10**14, 0))


@pytest.fixture
def played(
    tmp_path: Path, anvil: Devnet, deployment: Deployment, make_gateway: MakeGateway
) -> Iterator[tuple[LiveSite, Gateway]]:
    """Two rounds with results, seen by the index to the last block."""
    owner = make_gateway(OWNER)
    settings = Settings(deployment, "", f"folder:{tmp_path / 'store'}", publish=True)
    made = read_form(FIELDS, "minimal", deployment.limits, owner.now()).configuration
    assert made is not None
    owner.send("create", made.params(owner.now()), Publisher(settings).publish(made))
    owner.send("fund", 1, int(made.budget), value=int(made.budget))
    with live_site(tmp_path, anvil, deployment, make_gateway) as site:
        terminal: Any = SimpleNamespace(home=tmp_path, chain=anvil)
        world = World(terminal, make_gateway, 1)
        world.join()
        for number, pays in enumerate(PAYS, 1):
            world.play(number, pays)
        head = int(anvil.request("eth_blockNumber"), 16)
        wait_until(lambda: site.reader.health().block >= head, "for the index")
        wait_until(lambda: twin(site, "/projects/1")["seats"][0]["earned"], "for the documents")
        yield site, owner


def twin(site: LiveSite, path: str) -> Any:
    """The JSON twin of a page."""
    with urllib.request.urlopen(f"{site.url}{path}.json", timeout=20) as answer:
        return json.load(answer)


def test_numbers_of_every_page__are_those_of_the_contract(played: tuple[LiveSite, Gateway]) -> None:
    compare_project(*played)
    compare_rounds_and_trainers(*played)
    claim_through_the_site(*played)


def compare_project(site: LiveSite, chain: Gateway) -> None:
    """The project's page and its models, beside getters."""
    page, project = twin(site, "/projects/1"), chain.project(1)
    params, content = chain.params(1)

    assert (page["owner"], page["stopped"], page["hero"]["round"]) == (project.owner, False, project.head)
    assert int(page["escrow"]) == project.escrow
    details = {part["name"]: int(part["amount"]) for part in page["equation"]["details"]}
    assert (details["escrow"], details["bucket"], details["misses_owed"]) == (
        project.escrow,
        project.bucket,
        project.misses_owed,
    )
    assert page["equation"]["balances"]
    assert int(page["equation"]["entered"]) == 10**16
    for seat in (0, 1):
        view, line = chain.seat(1, seat), page["seats"][seat]
        assert (line["signer"], int(line["stake"]), line["last_sealed"]) == (
            view.signer,
            view.stake,
            view.last_sealed,
        )
        assert int(line["earned"]) == sum(pays[seat] for pays in PAYS)
        assert (int(line["claimed"]), int(line["claimable"]), line["evictable"]) == (view.claimed, 0, False)
        assert (line["payout"], line["missed"]) == (view.payout, view.missed)
    pool = chain.aggregator(1, dev_account(AGGREGATOR).address)
    (line,) = page["aggregators"]
    assert (int(line["bond"]), int(line["locked"]), line["banned"]) == (pool.bond, pool.locked, pool.banned)
    assert content.model_root.hex() in json.dumps(twin(site, "/projects/1/models"))
    assert page["rounds_left"] == project.escrow // params.pot
    assert (int(page["pot"]), page["coin"]["symbol"], page["rounds_total"]) == (
        params.pot,
        "ETH",
        project.head,
    )
    pots = sum(chain.round(1, number).pot for number in (1, 2))
    parts = {part["name"]: int(part["amount"]) for part in page["equation"]["parts"]}
    assert parts == {"paid": project.bucket, "refundable": project.escrow, "locked": pots, "dust": 0}
    for line in page["rounds"]:
        view, result = chain.round(1, line["number"]), chain.result(1, line["number"])
        assert (line["phase"], line["sealed"], line["revealed"]) == (
            view.phase.name.lower(),
            view.seal_count,
            view.reveal_count,
        )
        assert (int(line["pot"]), int(line["paid"]), line["included"], line["merged"], line["poster"]) == (
            view.pot,
            result.paid,
            result.included_count,
            result.merged,
            result.poster,
        )


def compare_rounds_and_trainers(site: LiveSite, chain: Gateway) -> None:
    """Rounds, updates and a trainer, beside getters."""
    for number, pays in enumerate(PAYS, 1):
        page, view, result = (
            twin(site, f"/projects/1/rounds/{number}"),
            chain.round(1, number),
            chain.result(1, number),
        )
        assert page["hero"]["phase"] == view.phase.name.lower()
        assert (int(page["pot"]), int(page["paid"])) == (view.pot, result.paid)
        assert page["base_root"] == "0x" + view.base_root.hex()
        assert len(page["updates"]) == view.seal_count
        assert [int(line["pay"]) for line in page["updates"]] == list(pays)
        assert all(
            line["root"] == "0x" + chain.slot(1, number, line["seat"]).hex() for line in page["updates"]
        )
        assert page["results"][0]["commitment"] == "0x" + result.commitment.hex()
    trainer = twin(site, f"/trainers/{dev_account(FIRST_TRAINER).address}")
    assert [int(line["pay"]) for line in trainer["updates"]["items"]] == [PAYS[1][0], PAYS[0][0]]
    assert "Paid for agreement" in trainer["updates"]["items"][0]["why"]
    (tenure,) = trainer["tenures"]
    view = chain.seat(1, tenure["seat"])
    assert (tenure["payout"], tenure["may_leave"], tenure["evicted"]) == (view.payout, False, False)
    assert trainer["credits"] == trainer["earned"] == []
    assert chain.credit(NATIVE, view.payout) == 0


def claim_through_the_site(site: LiveSite, chain: Gateway) -> None:
    """Finalised, then claimed by what the site encodes, as a wallet would send it."""
    site.chain.request("evm_increaseTime", chain.params(1)[0].windows.challenge)
    site.chain.request("evm_mine")
    chain.send("finalise", 1, 1)
    wait_until(lambda: twin(site, "/projects/1")["seats"][0]["claimable"] not in (None, "0"), "for FINAL")
    assert [int(line["claimable"]) for line in twin(site, "/projects/1")["seats"]] == list(PAYS[0])

    (step,) = order(site, "seat/claim", {"project": 1, "seat": 0})["steps"]
    sent = {"from": dev_account(OWNER).address, "to": step["to"], "data": step["data"]}
    site.chain.request("eth_sendTransaction", {**sent, "gas": hex(500_000)})

    wait_until(lambda: twin(site, "/projects/1")["seats"][0]["claimed"] == str(PAYS[0][0]), "for the claim")
    payout = chain.seat(1, 0).payout
    assert (chain.seat(1, 0).claimed, chain.credit(NATIVE, payout)) == (PAYS[0][0], PAYS[0][0])
    trainer = twin(site, f"/trainers/{dev_account(FIRST_TRAINER).address}")
    assert [int(one["amount"]) for one in trainer["earned"]] == [PAYS[0][0]]
    assert [(one["account"], int(one["amount"])) for one in trainer["credits"]] == [(payout, PAYS[0][0])]
    assert twin(site, "/projects/1")["equation"]["balances"]


def order(site: LiveSite, call: str, body: dict[str, Any]) -> Any:
    """What the site would have a wallet sign."""
    headers = {"content-type": "application/json", "origin": site.url}
    request = urllib.request.Request(f"{site.url}/api/calls/{call}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)
