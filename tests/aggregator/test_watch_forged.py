"""Results made by hand, in ways that no program of this repository makes them: each is convicted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aggregator.judge import Judgement
from aggregator.ledger import Choice
from aggregator.refute.known import Question, answer_to
from aggregator.refute.proof_tree import Leaves
from aggregator.role import AggregatorNode
from aggregator.watch.metrics import Metrics
from aggregator.watch.node import WatchNode
from market.cid import digest
from market.codec import UPDATE, update_root
from market.devnet import Devnet
from market.events import Asked, ResultPosted, ResultRefuted
from market.merkle import depth_for
from market.node import Node
from market.params import Windows
from market.phases import Phase
from market.records import Post
from market.refutation import Check, Tree
from market.store.folder import FolderStore
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


def padded(values: bytes, size: int) -> tuple[bytes, bytes]:
    """A file that is not zero after its last coefficient, and its root."""
    data = values.ljust(size - 2, b"\0") + b"\x00\x01"
    return data, update_root(data)


def with_a_leaf_more(values: bytes, size: int) -> tuple[bytes, bytes]:
    """A good file under the root of a tree that has a leaf after its last."""
    data = values.ljust(size, b"\0")
    return data, strange_tree(data).root


def strange_tree(data: bytes) -> Leaves:
    more = np.frombuffer(data + bytes(2_048), np.uint8).reshape(-1, 2_048)
    return Leaves(depth_for(len(more) - 1), 0, more)


@pytest.fixture
def market(
    anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path, request: pytest.FixtureRequest
) -> Market:
    """Three seats sealed and revealed round 1 by hand; the file of seat 2 is strange, `padded` if not said."""
    strange = getattr(request, "param", padded)
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
        good = values.ljust(size, b"\0")
        data, root = strange(values, size) if seat == 2 else (good, update_root(good))
        files.append((data, root, seal_by_hand(market, seat, account, 1, root)))
    for (seat, account, _), (data, root, salt) in zip(seats, files, strict=True):
        reveal_by_hand(market, seat, account, 1, root, salt, digest(market.store.put(data)))
    assert market.owner.phase(market.project, 1) is Phase.AGGREGATE
    return market


def forger(market: Market, forge: Forge) -> Forger:
    kind = type("ThisForger", (Forger,), {"forge": staticmethod(forge), "market": market})
    gateway, bond = market.gateway(AGGREGATOR), 3 * market.params.bond
    gateway.send("addBond", market.project, bond, value=bond)
    folder = market.folder / "forger"
    return kind(gateway, market.store, market.project, market.key(AGGREGATOR).address, folder, PACE, 0.0)


def watch_until_convicted(market: Market, *others: Node, force_data: bool = False) -> WatchNode:
    address, folder = market.key(WATCHER).address, market.folder / "watch"
    watch = WatchNode(
        market.gateway(WATCHER), market.store, market.project, address, folder, PACE, Metrics(market.project),
        force_data=force_data,
    )  # fmt: skip
    liar = market.key(AGGREGATOR).address
    market.run_until(lambda: market.owner.aggregator(market.project, liar).banned, [watch, *others])
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


@pytest.mark.parametrize("market", [with_a_leaf_more], indirect=True)
def test_file_whose_tree_has_a_leaf_more__is_forced_out_and_refuted(market: Market) -> None:
    """Nobody can serve such a file, so nobody could recompute the round: its poster answers for the tree."""
    node = forger(market, lambda post, _: replace(post, included=(0b111,)))
    watch_store = FolderStore(market.folder / "store")

    def answer(asked: Asked, _: ResultPosted) -> bool:
        size = UPDATE.file_bytes(market.params.coefficients)
        node.observer.refresh()
        reveal = node.observer.history.round(1).reveals[2]
        data = b"".join(watch_store.get(reveal.cid(size), size, exact=True))
        where = Question(asked.tree, asked.level, asked.index, asked.row)
        return node.send(
            "answer", asked.id, answer_to(strange_tree(data), where), intent=f"answer/1/1/{asked.id}"
        )

    node._send_answer = answer  # type: ignore[method-assign]
    market.run_until(lambda: market.owner.project(market.project).last_result == 1, [node])

    watch_until_convicted(market, node, force_data=True)

    refuted = events(market, ResultRefuted)
    assert [(e.check, e.a, e.b, e.c) for e in refuted] == [(Check.Presence, Tree.Update, 3, 2)]
    assert len(events(market, Asked)) == 3


@pytest.mark.parametrize("market", [with_a_leaf_more], indirect=True)
def test_file_whose_tree_has_a_leaf_more__is_left_out_by_the_honest(market: Market) -> None:
    node = AggregatorNode(
        market.gateway(RIVAL), market.store, market.project, market.key(RIVAL).address,
        market.folder / "honest", PACE, 0.0,
    )  # fmt: skip
    bond = market.params.bond
    market.gateway(RIVAL).send("addBond", market.project, bond, value=bond)
    market.run_until(lambda: market.owner.project(market.project).last_result == 1, [node])

    assert market.owner.result(market.project, 1).included_count == 2
