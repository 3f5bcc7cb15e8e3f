"""Whole rounds with the real nodes: honest runs, missing parties, and everybody's money at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from market.claims import Place, document_of
from market.devnet import Devnet
from market.observe import Observer
from market.phases import Phase
from market.records import START_ACCOUNT
from tests.fixtures_chain import MakeGateway
from tests.scenarios.market_in_process import Market, open_market
from trainer.policy import Policy
from trainer.producers import copier, free_rider, sign_flip

pytestmark = pytest.mark.chain


@pytest.fixture
def market(anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path) -> Market:
    return open_market(anvil, make_gateway, tmp_path)


def play(market: Market, rounds: int) -> None:
    """Funds, runs that many rounds to their end, and lets everybody leave."""
    market.fund(rounds)
    market.run_until(lambda: market.owner.project(market.project).head == rounds)
    market.stop()
    market.run_until(market.over)
    market.run_until(lambda: not market.turn())


def test_market_honest_trainers__all_are_paid_and_nothing_stays(market: Market) -> None:
    trainers = [market.join() for _ in range(4)]
    market.aggregate()

    play(market, 2)

    paid = [market.owner.credit(market.params.token, node.me) for node in trainers]
    assert all(credit > market.params.min_stake for credit in paid)
    assert all(market.owner.seat_index(market.project, node.me) is None for node in trainers)
    assert market.drain() == 0


def test_market_cheats__earn_less_than_any_honest_trainer(market: Market) -> None:
    honest = [market.join() for _ in range(5)]
    cheats = [market.join(producer) for producer in (sign_flip, free_rider, copier)]
    market.aggregate()

    play(market, 4)

    def pay(node: object) -> int:
        credit = market.owner.credit(market.params.token, node.me)  # type: ignore[attr-defined]
        return credit - market.params.min_stake

    assert max(pay(node) for node in cheats) < min(pay(node) for node in honest)
    market.drain()


def test_aggregator_that_waits_for_finality__posts_after_the_end_of_reveal_is_final(
    market: Market, anvil: Devnet
) -> None:
    """Limit 17: before that a reorganisation could swap the reveals that a post vouches for."""
    for _ in range(2):
        market.join()
    node = market.aggregate(wait_final=True)
    market.fund(1)
    market.run_until(lambda: market.owner.phase(market.project, 1) is Phase.AGGREGATE)
    reveal_end = market.owner.round(market.project, 1).reveal_end

    while market.owner.final_time() < reveal_end:
        anvil.request("anvil_mine", hex(1), hex(1))
    assert market.owner.final_time() == reveal_end
    assert not node.act(node.snapshot())
    while market.owner.final_time() == reveal_end:
        anvil.request("anvil_mine", hex(1), hex(1))
    assert node.act(node.snapshot())
    assert market.owner.phase(market.project, 1) is Phase.STANDING


def test_verify_every_round__equals_what_was_posted(market: Market, tmp_path: Path) -> None:
    for _ in range(4):
        market.join()
    market.aggregate()

    play(market, 3)

    observer = Observer(market.owner, market.project)
    observer.refresh()
    place = Place(market.owner.deployment.chain_id, market.owner.deployment.market)
    ledger = Ledger(observer.history, market.store, place, tmp_path / "verify", keep=False)
    for round_ in (1, 2, 3):
        posted = observer.history.posted(market.owner.result(market.project, round_).commitment)
        assert posted is not None
        assert ledger.verify(posted).paid == posted.post.paid


def test_aggregator_gone__a_rival_posts_after_first_right(market: Market) -> None:
    for _ in range(3):
        market.join()
    first, rival = market.aggregate(1), market.aggregate(2)
    market.fund(2)
    everybody = list(market.nodes)
    market.run_until(
        lambda: market.owner.project(market.project).last_result == 1, [*market.nodes[:3], first]
    )
    alive = [node for node in everybody if node is not first]

    market.run_until(lambda: market.owner.project(market.project).last_result == 2, alive)

    assert market.owner.result(market.project, 2).poster == rival.me


def test_all_aggregators_gone__round_is_flat_and_shares_are_equal(market: Market) -> None:
    trainers = [market.join() for _ in range(3)]
    market.fund(1)
    market.run_until(lambda: market.owner.project(market.project).head == 1)
    market.stop()

    market.run_until(market.over)
    market.run_until(lambda: not market.turn())

    assert market.owner.phase(market.project, 1) is Phase.FLAT
    shares = {
        market.owner.credit(market.params.token, node.me) - market.params.min_stake for node in trainers
    }
    assert shares == {market.params.pot // 3}
    assert market.drain() == 0


def test_trainer_leaves_before_the_end__has_its_stake_and_pay(market: Market) -> None:
    for _ in range(3):
        market.join()
    leaver = market.join(policy=Policy(rounds=1, leave=True))
    market.aggregate()
    market.fund(3)

    market.run_until(lambda: market.owner.seat_index(market.project, leaver.me) is None)

    assert market.owner.credit(market.params.token, leaver.me) > market.params.min_stake


def test_missed_reveal__costs_one_unit_that_joins_the_pot(market: Market) -> None:
    for _ in range(3):
        market.join()
    silent = market.join()
    market.aggregate()
    market.fund(1)
    reveals = [node for node in market.nodes if node is not silent]
    market.run_until(lambda: market.owner.round(market.project, 1).seal_count == 4)

    market.run_until(lambda: market.owner.project(market.project).last_result == 1, reveals)
    market.stop()
    market.run_until(market.over, reveals)

    unit = market.params.unit
    posted = market.owner.result(market.project, 1)
    assert posted.paid > market.params.pot - market.params.fee - 10
    assert market.owner.round(market.project, 1).reveal_count == 3
    market.run_until(lambda: not market.turn())
    assert market.owner.credit(market.params.token, silent.me) == market.params.min_stake - unit
    assert market.drain() == 0


def test_accounts_of_seats_that_never_sealed__stay_at_the_start(market: Market) -> None:
    for _ in range(3):
        market.join()
    market.aggregate()

    play(market, 1)

    observer = Observer(market.owner, market.project)
    observer.refresh()
    posted = observer.history.round(1).posts[-1]
    accounts = document_of(market.store, posted).account_list()
    assert accounts[3:] == [START_ACCOUNT] * 5
