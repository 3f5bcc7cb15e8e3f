"""Results made by hand, in ways that no program of this repository makes them: each is convicted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aggregator.judge import Judgement
from aggregator.ledger import Choice
from aggregator.role import AggregatorNode
from aggregator.watch.metrics import Metrics
from aggregator.watch.node import WatchNode
from market.codec import UPDATE, update_root
from market.devnet import Devnet
from market.events import Asked, ResultRefuted
from market.params import Windows
from market.phases import Phase
from market.records import Post
from market.refutation import Check
from tests.fixtures_chain import MakeGateway
from tests.scenarios.market_in_process import (
    AGGREGATOR,
    PACE,
    RIVAL,
    Market,
    an_update,
    open_market,
    reveal_by_hand,
    seal_by_hand,
)

pytestmark = pytest.mark.chain

WATCHER = 3
SEATS = 3
SLOW = Windows(
    commit=600, reveal=600, first_right=60, proposed=120, challenge=700, answer=100, refute=100, dead=6000
)

Forge = Callable[[Post, Market], Post]


class Forger(AggregatorNode):
    """Judges honestly, then posts what `forge` makes of it, and answers nothing."""

    forge: Forge
    market: Market

    def _publish(self, number: int, choice: Choice, judgement: Judgement, prev: bytes) -> Post:
        return type(self).forge(super()._publish(number, choice, judgement, prev), type(self).market)

    def _remember(self, *_: object) -> None:
        pass

    def _send_answer(self, *_: object) -> bool:
        return False


def random_roots(post: Post, _: Market) -> Post:
    names = [name for name in vars(post.roots) if name != "columns"]
    return replace(post, roots=replace(post.roots, **{name: name.encode().ljust(32, b"!") for name in names}))


def never_revealed(post: Post, _: Market) -> Post:
    return replace(post, included=(0b10000011,))


def other_accounts(post: Post, _: Market) -> Post:
    return replace(post, roots=replace(post.roots, accounts=post.roots.model))


def nobody_paid(post: Post, _: Market) -> Post:
    return replace(post, paid=0)


def seat_left_out_of_the_bitmap(post: Post, _: Market) -> Post:
    """Its numbers stay."""
    return replace(post, included=(0b001,))


FORGED: dict[str, tuple[Forge, set[Check]]] = {
    "random roots": (random_roots, set()),
    "a seat that never revealed": (never_revealed, {Check.Update}),
    "roots swapped": (other_accounts, set()),
    "nobody paid": (nobody_paid, {Check.Paid}),
    "bitmap without a seat": (seat_left_out_of_the_bitmap, set()),
}


@pytest.fixture
def market(anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path) -> Market:
    """Three seats sealed and revealed round 1 by hand; that of seat 2 is not zero after its last coefficient."""
    market = open_market(
        anvil,
        make_gateway,
        tmp_path,
        windows=SLOW,
        end_date=make_gateway().now() + 80_000,
        expected_seats=SEATS,
    )
    market.fund(3)
    rng = np.random.default_rng(2)
    seats = [market.register() for _ in range(SEATS)]
    market.owner.send("open", market.project)
    size = UPDATE.file_bytes(market.params.coefficients)
    files = []
    for seat, account, _ in seats:
        values = rng.integers(-300, 300, len(an_update())).astype(">i2").tobytes()
        tail = b"\x00\x01" if seat == 2 else b"\0\0"
        data = values.ljust(size - 2, b"\0") + tail
        files.append((data, seal_by_hand(market, seat, account, 1, update_root(data))))
    for (seat, account, _), (data, salt) in zip(seats, files, strict=True):
        from market.cid import digest

        where = digest(market.store.put(data))
        reveal_by_hand(market, seat, account, 1, update_root(data), salt, where)
    assert market.owner.phase(market.project, 1) is Phase.AGGREGATE
    return market


def forger(market: Market, forge: Forge) -> Forger:
    kind = type("ThisForger", (Forger,), {"forge": staticmethod(forge), "market": market})
    gateway, bond = market.gateway(AGGREGATOR), 3 * market.params.bond
    gateway.send("addBond", market.project, bond, value=bond)
    folder = market.folder / "forger"
    return kind(gateway, market.store, market.project, market.key(AGGREGATOR).address, folder, PACE, 0.0)


def watch_until_convicted(market: Market) -> WatchNode:
    address, folder = market.key(WATCHER).address, market.folder / "watch"
    watch = WatchNode(
        market.gateway(WATCHER), market.store, market.project, address, folder, PACE, Metrics(market.project)
    )
    liar = market.key(AGGREGATOR).address
    market.run_until(lambda: market.owner.aggregator(market.project, liar).banned, [watch])
    return watch


def events(market: Market, kind: type) -> list:  # type: ignore[type-arg]
    return [log.event for log in market.owner.events(project=market.project) if isinstance(log.event, kind)]


@pytest.mark.parametrize("name", FORGED)
def test_forged_result__is_convicted_with_few_asks(market: Market, name: str) -> None:
    forge, checks = FORGED[name]
    node = forger(market, forge)
    market.run_until(lambda: market.owner.project(market.project).last_result == 1, [node])

    watch_until_convicted(market)

    assert {event.check for event in events(market, ResultRefuted)} == checks
    assert len(events(market, Asked)) <= 1


def test_result_with_a_padded_file__is_refuted_from_the_file(market: Market) -> None:
    """Honest aggregators leave such a seat out; who includes it answers for it."""
    node = forger(market, lambda post, _: replace(post, included=(0b111,)))
    market.run_until(lambda: market.owner.project(market.project).last_result == 1, [node])

    watch_until_convicted(market)

    refuted = events(market, ResultRefuted)
    assert [(event.check, event.a) for event in refuted] == [(Check.Update, 2)]
    assert not events(market, Asked)


def test_copied_result__is_convicted_for_the_name_in_its_sketches(market: Market) -> None:
    """All roots of an honest rival, which were computed under another address."""
    honest = AggregatorNode(
        market.gateway(RIVAL), market.store, market.project, market.key(RIVAL).address,
        market.folder / "honest", PACE, 0.0,
    )  # fmt: skip
    copied: list[Post] = []

    def copy(post: Post, _: Market) -> Post:
        ledger, snapshot = honest._current_ledger(), honest.snapshot()
        assert snapshot.project.last_result == 0
        below = ledger.below(post.prev_commitment)
        choice, _missing = honest._choose(ledger, 1, 0)
        judgement = ledger.judge(1, choice, below, honest.me)
        copied.append(replace(post, roots=judgement.roots))
        return copied[0]

    honest.observer.refresh()
    node = forger(market, copy)
    market.run_until(lambda: market.owner.project(market.project).last_result == 1, [node])
    watch_until_convicted(market)

    assert copied
    assert len(events(market, Asked)) == 1
