"""Refutations and asks through the gateway, on the deployed market with its real checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from market.chain.gateway import Gateway
from market.devnet import Devnet, dev_account
from market.errors import ChainError, RefusedError
from market.events import Answered, Asked, AskSettled, Event, ResultConvicted, ResultRefuted
from market.merkle import depth_for
from market.params import MINIMAL, Windows
from market.phases import Phase
from market.refutation import AskView, Check, Tree, answer_size
from market.spec import State, apply
from market.units import NATIVE
from tests.fixtures_chain import MakeGateway
from tests.stateful.oracle import MockOracle
from tests.stateful.posted import Posted
from tests.stateful.world import World

pytestmark = pytest.mark.chain
LONG = Windows(600, 600, 60, 120, 7_000, 1_000, 1_000, 9_000)
"""Windows that no pause of the machine uses up."""


class Live:
    """A world whose calls go to the deployed market; the specification goes along to build arguments."""

    def __init__(self, anvil: Devnet, make: MakeGateway) -> None:
        self.anvil, self.make = anvil, make
        self.gateways: dict[str, Gateway] = {}
        people: list[str] = [dev_account(number).address for number in range(12)]
        self.numbers = {address: number for number, address in enumerate(people)}
        market = make().address
        state = State(31337, market, MINIMAL.limits, oracle=MockOracle())
        self.world = World(
            state, self._drive, make().now() + 10, people[:6], people[6:9], people[9], people[10]
        )

    def gateway(self, who: str) -> Gateway:
        """The gateway of one account."""
        if who not in self.gateways:
            self.gateways[who] = self.make(self.numbers[who])
        return self.gateways[who]

    def _drive(self, name: str, *args: Any, caller: str, now: int, value: int = 0) -> list[Event]:
        later = now - self.gateway(caller).now()
        if later > 0:
            self.anvil.request("evm_increaseTime", later)
            self.anvil.request("evm_mine")
        receipt = self.gateway(caller).send(name, *args, value=value)
        block = self.anvil.request("eth_getBlockByNumber", hex(receipt.block), False)
        at = int(block["timestamp"], 16)
        apply(self.world.state, name, *args, caller=caller, now=at, value=value)
        self.world.now = at  # the chain's clock is the one that counts
        return list(receipt.events)


@pytest.fixture
def live(anvil: Devnet, make_gateway: MakeGateway) -> Live:
    """A funded project with three trainers and two posters."""
    made = Live(anvil, make_gateway)
    made.world.start(windows=LONG)
    return made


def posted(live: Live, round_: int) -> Posted:
    """What is posted for a round."""
    found = live.world.posted_for(round_)
    assert found is not None
    return found


def test_refute_a_file_that_was_never_revealed__convicts_on_the_real_market(live: Live) -> None:
    world = live.world
    round_ = world.to_aggregate(revealing=[0, 1])
    world.post(round_, included=[0, 2])
    hidden = posted(live, round_).refutation(Check.Update, (2, 0, 0), b"")
    watcher = live.gateway(world.anyone)
    receipt = watcher.refute(world.number, round_, hidden)

    refuted, convicted = receipt.events
    assert isinstance(refuted, ResultRefuted)
    assert isinstance(convicted, ResultConvicted)
    assert (refuted.check, refuted.a, convicted.poster) == (Check.Update, 2, world.posters[0])
    assert watcher.phase(world.number, round_) is Phase.AGGREGATE
    assert watcher.credit(NATIVE, world.anyone) == convicted.to_refuter > 0
    assert watcher.refute(world.number, round_, hidden) == receipt, "one refutation is sent once"


def test_refute_with_evidence_that_does_not_fit__the_checks_own_error(live: Live) -> None:
    world = live.world
    round_ = world.to_standing()
    watcher = live.gateway(world.anyone)
    for check, at in (
        (Check.Gram, (0, 1, 0)),
        (Check.Step, (1, 0, 0)),
        (Check.Step, (60, 0, 0)),
        (Check.Paid, (0, 0, 0)),
    ):
        refutation = posted(live, round_).refutation(check, at, b"\x00" * 7)
        with pytest.raises(RefusedError, match="MarketEvidenceLength"):
            watcher.refute(world.number, round_, refutation)
    assert watcher.phase(world.number, round_) is Phase.STANDING


def test_ask_and_answer__price_events_and_views(live: Live) -> None:
    world = live.world
    round_ = world.to_standing()
    watcher, poster = live.gateway(world.anyone), live.gateway(world.posters[0])
    size = answer_size(Tree.Accounts, 0, depth_for(world.params.seats), 40)
    value = watcher.price_of(size, 0)
    id_, receipt = watcher.ask(world.number, round_, posted(live, round_).ask(Tree.Accounts, 0, 1), value)

    (asked,) = receipt.events
    assert isinstance(asked, Asked)
    assert asked.answer_bytes == size
    view = poster.ask_view(id_)
    assert (view.asker, view.due, view.counts, view.tree) == (world.anyone, asked.due, True, Tree.Accounts)
    assert watcher.credit(NATIVE, world.anyone) == value - asked.price
    assert poster.result(world.number, round_).open_asks == 1
    answer = posted(live, round_).answer(0, 1)
    (answered,) = poster.answer(id_, answer).events
    assert isinstance(answered, Answered)
    assert answered.answer == answer
    assert poster.credit(NATIVE, world.posters[0]) == asked.price
    assert poster.ask_view(id_) == AskView()
    assert watcher.ask_count() == id_


def test_convict_silent_and_settle__who_waited_is_paid(live: Live) -> None:
    world = live.world
    round_ = world.to_standing()
    watcher = live.gateway(world.anyone)
    question = posted(live, round_).ask(Tree.Steps, 0, 0)
    silent, _ = watcher.ask(world.number, round_, question, watcher.price_of(10_000, 0))
    other, _ = watcher.ask(world.number, round_, posted(live, round_).ask(Tree.Accounts, 1, 0), 10**18)
    with pytest.raises(RefusedError, match="MarketTooEarly"):
        watcher.convict_silent(silent)
    live.anvil.request("evm_increaseTime", LONG.answer)
    live.anvil.request("evm_mine")
    settled, convicted = live.gateway(world.posters[1]).convict_silent(silent).events
    assert isinstance(settled, AskSettled)
    assert isinstance(convicted, ResultConvicted)
    assert convicted.refuter == world.anyone
    assert not watcher.ask_view(other).counts
    before = watcher.credit(NATIVE, world.anyone)
    (settled,) = watcher.settle_ask(other).events
    assert isinstance(settled, AskSettled)
    assert watcher.credit(NATIVE, world.anyone) - before == settled.price


@pytest.mark.parametrize("part", ["court", "checks"])
def test_gateway_other_court_or_checks__e201(anvil: Devnet, make_gateway: MakeGateway, part: str) -> None:
    """The market's own code would be right, and bonds would be at the mercy of somebody else's."""
    deployment = make_gateway().deployment
    foreign = dev_account(5).address
    changed = {"court": foreign} if part == "court" else {"checks": (*deployment.checks[:2], foreign)}
    with pytest.raises(ChainError, match=r"E201 .* is not the contract of this version"):
        Gateway(anvil.url, replace(deployment, **changed))


def test_gateway_checks_in_another_order__e201(anvil: Devnet, make_gateway: MakeGateway) -> None:
    deployment = make_gateway().deployment
    with pytest.raises(ChainError, match=r"E201 .* is not the contract of this version"):
        Gateway(anvil.url, replace(deployment, checks=deployment.checks[::-1]))


def test_gateway_checks_replaced_on_the_chain__e201(anvil: Devnet, make_gateway: MakeGateway) -> None:
    deployment = make_gateway().deployment
    anvil.request("anvil_setCode", deployment.checks[1], "0x6000")
    with pytest.raises(ChainError, match=r"E201 RuleChecks .* is not the contract of this version"):
        Gateway(anvil.url, deployment)
