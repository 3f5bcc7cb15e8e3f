"""The watcher against every kind of liar, on a real chain: caught, slashed, the round repaired, the honest paid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aggregator.files import Files
from aggregator.judge import File
from aggregator.ledger import choice_of
from aggregator.lies import KINDS, LiarNode
from aggregator.role import AggregatorNode
from aggregator.watch.metrics import Metrics
from aggregator.watch.node import WatchNode
from aggregator.watch.spot import SpotCheck
from market.chain.deployment import Deployment
from market.claims import document_of
from market.codec import leaves_of
from market.devnet import Devnet
from market.events import Answered, Asked, ResultConvicted, ResultRefuted
from market.phases import Phase
from market.refutation import Check, Tree
from market.store.folder import FolderStore
from market.units import ZERO_ADDRESS
from tests.scenarios.market_in_process import (
    AGGREGATOR,
    PACE,
    RIVAL,
    Market,
    restarted,
    slow_market,
)

pytestmark = pytest.mark.chain

WATCHER = 3
SEATS = 3

EXPECTED = {
    "paid": Check.Paid,
    "weight": Check.Step,
    "gram": Check.Gram,
    "sketch": Check.Sketch,
    "step": Check.Step,
    "delta": Check.Delta,
    "model": Check.Model,
}
"""What is refuted; the other kinds are convicted for their silence."""


@pytest.fixture(scope="module")
def before_the_lie(
    session_anvil: Devnet, session_deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Market]:
    """Round 1 stands, posted by an honest aggregator; three trainers have revealed in round 2."""
    snapshot = session_anvil.snapshot()
    market = slow_market(session_anvil, session_deployment, tmp_path_factory.mktemp("before"), SEATS)
    market.aggregate()
    market.run_until(lambda: market.owner.phase(market.project, 1) is Phase.STANDING)
    market.nodes.pop()
    market.run_until(lambda: market.owner.phase(market.project, 2) is Phase.AGGREGATE)
    yield market
    session_anvil.revert(snapshot)


@pytest.fixture
def market(before_the_lie: Market, anvil: Devnet, tmp_path: Path) -> Market:
    """A copy of the market with restarted trainers."""
    return restarted(before_the_lie, tmp_path / "market", SEATS)


def liar(market: Market, kind: str, lies_in: int = 2) -> LiarNode:
    """The aggregator of round 1, which lies in round 2."""
    folder = market.folder / f"aggregator-{AGGREGATOR}"
    address = market.key(AGGREGATOR).address
    node = LiarNode(
        market.gateway(AGGREGATOR), market.store, market.project, address, folder, PACE, 0.0,
        kind=kind, lies_in=lies_in,
    )  # fmt: skip
    market.nodes.append(node)
    return node


def watcher(
    market: Market, account: int | None = WATCHER, metrics: str | None = None, **options: bool
) -> WatchNode:
    gateway = market.owner if account is None else market.gateway(account)
    me = ZERO_ADDRESS if account is None else market.key(account).address
    folder = market.folder / f"watch-{account}"
    return WatchNode(
        gateway, market.store, market.project, me, folder, PACE, Metrics(market.project, metrics), **options
    )


def post_lie(market: Market, kind: str) -> LiarNode:
    node = liar(market, kind)
    market.run_until(lambda: market.owner.project(market.project).last_result == 2, [node])
    return node


def events(market: Market, kind: type) -> list:  # type: ignore[type-arg]
    return [log.event for log in market.owner.events(project=market.project) if isinstance(log.event, kind)]


def is_banned(market: Market, account: int = AGGREGATOR) -> bool:
    return market.owner.aggregator(market.project, market.key(account).address).banned


@pytest.mark.parametrize("kind", KINDS)
def test_liar_of_each_kind__is_convicted(market: Market, kind: str) -> None:
    post_lie(market, kind)
    bond = market.owner.aggregator(market.project, market.key(AGGREGATOR).address).bond
    watch = watcher(market)
    market.nodes.append(watch)

    market.run_until(lambda: is_banned(market))

    refuted, asked = events(market, ResultRefuted), events(market, Asked)
    assert [event.check for event in refuted] == ([EXPECTED[kind]] if kind in EXPECTED else [])
    assert len(asked) <= 5
    convicted = events(market, ResultConvicted)[0]
    assert (convicted.refuter, convicted.to_refuter) == (market.key(WATCHER).address, bond // 3)
    assert watch.metrics.wrong._value.get() == 1


def test_round_of_a_liar__is_repaired_by_a_rival_and_paid(market: Market) -> None:
    post_lie(market, "model")
    market.nodes.append(watcher(market))
    market.aggregate(RIVAL)
    market.run_until(lambda: market.owner.project(market.project).last_final >= 2)

    result = market.owner.result(market.project, 2)
    assert result.poster == market.key(RIVAL).address
    assert (is_banned(market), is_banned(market, RIVAL)) == (True, False)
    params = market.params
    assert result.paid > params.pot - params.fee  # and a third of the liar's bond


def honest_post(market: Market) -> AggregatorNode:
    """Round 2 as the aggregator of round 1 posts it."""
    address, folder = market.key(AGGREGATOR).address, market.folder / f"aggregator-{AGGREGATOR}"
    node = AggregatorNode(
        market.gateway(AGGREGATOR), market.store, market.project, address, folder, PACE, 0.0
    )
    market.run_until(lambda: market.owner.project(market.project).last_result == 2, [node])
    return node


def test_honest_result__is_left_alone(market: Market, tmp_path: Path) -> None:
    honest_post(market)
    watch = watcher(market, metrics=str(tmp_path / "metrics"), once=True)
    market.run_until(lambda: watch.turn(watch.snapshot()).name == "FINISHED", [watch])

    assert (watch.wrong, events(market, Asked), is_banned(market)) == ({}, [], False)
    text = (tmp_path / "metrics").read_text()
    assert f'fairtrain_watch_results_right_total{{project="{market.project}"}} 2.0' in text


def test_watcher_without_a_key__says_what_is_wrong_and_sends_nothing(market: Market) -> None:
    post_lie(market, "paid")
    watch = watcher(market, None, once=True)
    watch.turn(watch.snapshot())

    assert ["paid" in what for what in watch.wrong.values()] == [True]
    assert not is_banned(market)


def test_watcher_started_again_at_every_step__comes_to_the_same_end(market: Market) -> None:
    """As if it was killed after each call: nothing that it needs is in its memory."""
    post_lie(market, "step")
    nodes = market.nodes
    for _ in range(40):
        if is_banned(market):
            break
        market.nodes = [*nodes, watcher(market)]
        market.turn()
    assert is_banned(market)
    assert len(events(market, Asked)) == len(events(market, Answered)) <= 5


def test_two_watchers__send_one_refutation(market: Market) -> None:
    post_lie(market, "gram")
    market.nodes += [watcher(market), watcher(market, WATCHER + 1)]
    market.run_until(lambda: is_banned(market))
    for _ in range(3):
        market.turn()

    assert len(events(market, ResultRefuted)) == 1
    asked = [(event.tree, event.level, event.index) for event in events(market, Asked)]
    assert len(asked) == len(set(asked))


def hide_file(market: Market, round_: int, seat: int) -> None:
    """From now on only the poster has the file of a seat."""
    observer = watcher(market).observer
    observer.refresh()
    reveal = observer.history.round(round_).reveals[seat]
    market.store.unpin(reveal.cid(2_048 * leaves_of(market.params.coefficients)))


def test_file_that_nobody_serves__is_reported_and_nobody_convicted(market: Market) -> None:
    honest_post(market)
    watch = watcher(market, once=True)
    hide_file(market, 2, 0)
    watch.turn(watch.snapshot())

    assert list(watch.missing.values()) == [0, 1]
    assert (is_banned(market), events(market, Asked)) == (False, [])


def test_file_and_sums_that_nobody_serves__are_asked_for_and_the_honest_stays(market: Market) -> None:
    """Without its file of running sums an honest poster is asked for one leaf, and keeps its bond."""
    node = honest_post(market)
    posted = node.observer.history.posted(market.owner.result(market.project, 2).commitment)
    assert posted is not None
    market.store.unpin(document_of(market.store, posted).sums)
    hide_file(market, 2, 0)
    watch = watcher(market)
    for _ in range(12):
        market.turn([watch, node])

    assert list(watch.missing.values()) == [0, 1]
    assert (is_banned(market), len(events(market, Asked)), len(events(market, Answered))) == (False, 1, 1)


@pytest.mark.parametrize("kind", ["paid", "weight", "gram", "step", "sketch"])
def test_lie_behind_a_file_that_nobody_serves__is_convicted_without_it(market: Market, kind: str) -> None:
    """A hidden file shields its own sketch and the model, not the money."""
    node = post_lie(market, kind)
    hide_file(market, 2, 2)
    market.run_until(lambda: is_banned(market), [watcher(market), node])

    assert [event.check for event in events(market, ResultRefuted)] == [EXPECTED[kind]]
    assert not [event for event in events(market, Asked) if event.tree is Tree.Update]


def test_lie_behind_hidden_files_and_silence__is_convicted_for_the_silence(market: Market) -> None:
    post_lie(market, "silent")
    hide_file(market, 2, 2)
    market.run_until(lambda: is_banned(market), [watcher(market)])

    assert not events(market, ResultRefuted)


def test_file_that_only_the_poster_has__is_forced_out_leaf_by_leaf(market: Market) -> None:
    """Everything follows from the sketch that it forged; it answers every ask, since silence costs its bond."""
    node = post_lie(market, "sketch")
    hide_file(market, 2, 0)
    market.run_until(lambda: is_banned(market), [node, watcher(market, force_data=True)])

    leaves = leaves_of(market.params.coefficients)
    assert [(event.tree, event.row, event.index) for event in events(market, Asked)] == [
        *((Tree.Update, 0, k) for k in range(leaves)),
        (Tree.Sketches, 0, 0),
    ]
    assert [event.check for event in events(market, ResultRefuted)] == [Check.Sketch]


def spot_watcher(market: Market, fraction: float) -> WatchNode:
    folder, me = market.folder / "spot", market.key(WATCHER).address
    return WatchNode(
        market.gateway(WATCHER), market.store, market.project, me, folder, PACE, Metrics(market.project),
        spot_check=fraction,
    )  # fmt: skip


def test_spot_check_of_honest_results__reads_parts_of_updates_alone(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest_post(market)
    watch = spot_watcher(market, 0.01)
    monkeypatch.setattr(Files, "update", lambda *_: pytest.fail("a whole update was fetched"))
    watch.turn(watch.snapshot())

    assert watch.metrics.right._value.get() == 2
    assert not watch.wrong


@pytest.mark.parametrize("kind", ["step", "sketch", "model"])
def test_spot_check_of_a_lie__leads_to_its_conviction(market: Market, kind: str) -> None:
    post_lie(market, kind)
    market.nodes.append(spot_watcher(market, 0.01))

    market.run_until(lambda: is_banned(market))

    assert [event.check for event in events(market, ResultRefuted)] == [EXPECTED[kind]]


def test_spot_check_of_sums_that_follow_from_a_forged_sketch__names_its_segment(market: Market) -> None:
    """Sums, Gram matrix, steps and pay all fit each other; only the file tells."""
    node = post_lie(market, "sketch")
    trees = next(iter(node._told.values())).trees
    shape, present = trees.case.shape, sorted(trees.case.present)
    leaves = [
        [trees.sketches.leaf(row << shape.segment_bits | k) or b"" for k in range(shape.segments)]
        for row in present
    ]
    sums = np.array([[np.frombuffer(leaf, ">i4") for leaf in row] for row in leaves])
    watch = spot_watcher(market, 1.0)
    watch.observer.refresh()
    ledger, posted = watch._current_ledger(), watch.observer.history.round(2).posts[0]
    size = 2_048 * leaves_of(shape.d)
    inputs = ledger.inputs(
        2, choice_of(posted), ledger.below(posted.post.prev_commitment), posted.poster,
        lambda reveal: File(Path(reveal.cid(size)), reveal.root),
    )  # fmt: skip
    store = FolderStore(market.folder / "store")
    spot = SpotCheck(ledger, store, watch._place, posted, market.folder / "spotted", 1.0)

    assert spot._segments(inputs, present, sums) == f"sketch of row 0, segment {shape.segments - 1}"
