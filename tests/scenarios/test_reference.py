"""The owner's reference in whole rounds: sealed after a trainer, revealed, killed, absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.watch.metrics import Metrics
from aggregator.watch.node import WatchNode
from market.claims import Place
from market.codec import UPDATE, update_root
from market.devnet import Devnet, dev_account
from market.duties import Kind, reference_duties
from market.fetch import fetch_bytes
from market.history import History
from market.observe import Observer
from market.phases import Phase
from market.seals import is_revealed, is_sealed
from market.units import ZERO_ADDRESS
from tests.fixtures_chain import MakeGateway
from tests.scenarios.market_in_process import DESCRIPTION, PACE, REFERENCE, RIVAL, Market, open_market
from trainer.policy import Policy
from trainer.reference import ReferenceNode

pytestmark = pytest.mark.chain
KEY = dev_account(REFERENCE).address


@pytest.fixture
def market(anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path) -> Market:
    return open_market(anvil, make_gateway, tmp_path, reference_key=KEY, expected_seats=3)


@pytest.fixture
def crowd(anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path) -> Market:
    """Four trainers, so that they judge one another, and the reference."""
    market = open_market(anvil, make_gateway, tmp_path, reference_key=KEY, expected_seats=4)
    for _ in range(4):
        market.join()
    market.refer()
    return market


def slot(market: Market, round_: int = 1) -> bytes:
    """The reference's slot of a round."""
    return market.owner.slot(market.project, round_, market.params.seats)


def phase(market: Market, round_: int = 1) -> Phase:
    return market.owner.phase(market.project, round_)


def turn(node: ReferenceNode) -> None:
    """One look and what follows from it."""
    node.turn(node.snapshot())


def kinds(node: ReferenceNode) -> list[Kind]:
    """What the node has to do now."""
    return [duty.kind for duty in reference_duties(node.snapshot())]


def begun(market: Market, trainers: int = 3) -> None:
    """Three seats, a funded round 1 that is open, and so many of them sealed."""
    nodes = [market.join() for _ in range(3)]
    market.fund(2)
    market.run_until(lambda: market.owner.project(market.project).head == 1, nodes[:1])
    market.run_until(lambda: market.owner.round(market.project, 1).seal_count == trainers, nodes[:trainers])


def test_round_with_reference__sealed_revealed_and_in_the_history(market: Market) -> None:
    begun(market)
    node = market.reference_node()
    assert phase(market) is Phase.COMMIT, "round 1 waits for the reference"

    market.run_until(lambda: is_sealed(slot(market)), [node])
    assert phase(market) is Phase.REVEAL, "its seal was the last"
    market.run_until(lambda: phase(market) is Phase.AGGREGATE, [*market.nodes, node])

    facts = history(market).round(1)
    assert facts.reference is not None
    assert (facts.reference.seat, facts.reference.trainer) == (market.params.seats, KEY)
    assert facts.reference.root == slot(market)
    size = UPDATE.file_bytes(DESCRIPTION.d)
    file = fetch_bytes(market.store, facts.reference.cid(size), size, exact=True)
    assert update_root(file) == facts.reference.root, "others can fetch it"
    assert facts.reveal_sum() == market.owner.round(market.project, 1).reveal_sum
    assert (len(facts.seals), len(facts.reveals)) == (3, 3)


def test_reference_before_any_trainer__trains_and_waits(market: Market) -> None:
    begun(market, trainers=0)
    node = market.reference_node()

    assert kinds(node) == [Kind.TRAIN]
    turn(node)

    assert slot(market) == bytes(32)
    assert len(list((market.folder / "reference" / "updates").glob("*.i16"))) == 1


@pytest.mark.parametrize("lost", ["nothing", "the update", "everything"])
def test_killed_after_its_seal__reveals_the_same_update_without_a_second_seal(
    market: Market, lost: str
) -> None:
    begun(market)
    market.run_until(lambda: is_sealed(slot(market)), [market.reference_node()])
    sealed = slot(market)
    for path in (market.folder / "reference" / "updates").glob("*" if lost == "everything" else "*.i16"):
        if lost != "nothing":
            path.unlink()

    again = market.reference_node()
    assert kinds(again) == [Kind.REVEAL]
    turn(again)

    assert is_revealed(slot(market))
    assert history(market).round(1).reference_seal == sealed


def test_killed_between_update_and_seal__seals_what_it_had_made(market: Market) -> None:
    begun(market, trainers=0)
    turn(market.reference_node())
    [made] = (market.folder / "reference" / "updates").glob("*.i16")
    before = made.stat().st_mtime_ns, made.read_bytes()
    market.run_until(lambda: market.owner.round(market.project, 1).seal_count == 1, market.nodes[:1])

    market.run_until(lambda: is_sealed(slot(market)), [market.reference_node()])

    assert (made.stat().st_mtime_ns, made.read_bytes()) == before


def test_reference_absent__the_round_ends_with_its_windows(market: Market) -> None:
    begun(market)
    assert phase(market) is Phase.COMMIT

    market.run_until(lambda: phase(market) is Phase.AGGREGATE)

    assert slot(market) == bytes(32)
    assert market.owner.round(market.project, 1).reveal_count == 3


def test_another_key__has_nothing_to_do(market: Market) -> None:
    begun(market)
    stranger = market.reference_node()
    stranger.me = dev_account(REFERENCE + 1).address

    assert reference_duties(stranger.snapshot()) == []


@pytest.mark.parametrize("rounds", [1, 0])
def test_finished__after_so_many_rounds_or_never_while_the_project_runs(market: Market, rounds: int) -> None:
    begun(market)
    node = market.reference_node(Policy(rounds=rounds))
    market.run_until(lambda: is_sealed(slot(market)), [node])
    assert not node.finished(node.snapshot()), "its seal waits for the reveal"

    turn(node)

    assert node.finished(node.snapshot()) is (rounds == 1)


def test_finished_of_a_stopped_project__once_nothing_can_be_sealed(market: Market) -> None:
    begun(market)
    market.stop()
    node = market.reference_node()
    assert not node.finished(node.snapshot())

    market.run_until(lambda: is_revealed(slot(market)), [node])

    assert node.finished(node.snapshot())


def test_once__ends_when_nothing_is_due_now(market: Market) -> None:
    begun(market, trainers=0)

    assert market.reference_node(once=True).run()

    assert slot(market) == bytes(32)


# ----- results -----


def in_result(market: Market, round_: int = 1) -> bool:
    """Whether the newest post of a round has the reference's row."""
    return bool(history(market).round(round_).posts[-1].post.rows[0] >> 3 & 1)


def history(market: Market) -> History:
    """What happened so far."""
    observer = Observer(market.owner, market.project)
    observer.refresh()
    return observer.history


def watcher(market: Market) -> WatchNode:
    """A watcher without a key: it only says what is wrong."""
    folder, figures = market.folder / "watch", Metrics(market.project)
    return WatchNode(market.owner, market.store, market.project, ZERO_ADDRESS, folder, PACE, figures)


def test_two_rounds_with_reference__counted_recomputed_and_paid_to_trainers_alone(
    crowd: Market, tmp_path: Path
) -> None:
    market, trainers = crowd, crowd.nodes[:4]
    market.aggregate()
    watch = watcher(market)
    market.nodes.append(watch)
    market.fund(2)
    market.run_until(lambda: market.owner.project(market.project).head == 2)
    market.stop()
    market.run_until(market.over)
    market.run_until(lambda: not market.turn())

    assert [in_result(market, number) for number in (1, 2)] == [True, True]
    assert not watch.wrong
    assert sum(watch.missing.values()) == 0
    assert watch.metrics.right._value.get() == 2
    place = Place(market.owner.deployment.chain_id, market.owner.deployment.market)
    ledger = Ledger(history(market), market.store, place, tmp_path / "verify", keep=False)
    for number in (1, 2):
        posted = history(market).posted(market.owner.result(market.project, number).commitment)
        assert posted is not None
        assert ledger.verify(posted).roots == posted.post.roots
    paid = [market.owner.credit(market.params.token, node.me) for node in trainers]
    assert all(credit > market.params.min_stake for credit in paid)
    assert market.owner.credit(market.params.token, KEY) == 0
    assert market.drain() == 0


def test_result_without_a_revealed_reference__is_proposed_and_replaced_by_one_with_it(
    crowd: Market,
) -> None:
    market = crowd
    market.fund(1)
    market.run_until(lambda: phase(market) is Phase.AGGREGATE)
    hidden, shown = history(market).round(1).reference, market.folder / "store" / "objects"
    assert hidden is not None
    cid = hidden.cid(UPDATE.file_bytes(DESCRIPTION.d))
    file = shown / cid[-2:] / cid
    data = file.read_bytes()
    file.chmod(0o600)
    file.unlink()
    first = market.aggregate()
    market.run_until(lambda: market.owner.project(market.project).last_result == 1, [first])
    before = market.owner.result(market.project, 1)
    assert (phase(market), in_result(market)) == (Phase.PROPOSED, False)

    assert market.store.put(data) == cid
    rival = market.aggregate(RIVAL)
    market.run_until(lambda: phase(market) is Phase.STANDING, [rival])

    after = market.owner.result(market.project, 1)
    assert in_result(market)
    assert (after.poster, after.row_count) == (rival.me, before.row_count + 1)
    assert after.included_count == before.included_count == 4
