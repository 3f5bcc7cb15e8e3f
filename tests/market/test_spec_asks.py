"""The specification: refute, ask, answer, convictSilent, settleAsk, and what asks do to `finalise`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market.keccak import keccak256
from market.phases import Phase
from market.refutation import Below, Check, Tree
from market.spec import views
from market.units import BURNED, NATIVE
from tests.stateful.oracle import RIGHT, WRONG
from tests.stateful.world import World

LEAF = 40 + 2 * 32
"""Bytes of the answer to an ask for an account of four seats."""


@pytest.fixture
def world() -> World:
    """A funded project with three trainers and two posters."""
    world = World.spec()
    world.start()
    return world


def credit(world: World, account: str) -> int:
    return views.credit_of(world.state, NATIVE, account)


# ----- refute -----


def test_refute_a_wrong_number__convicts(world: World) -> None:
    round_ = world.to_standing()
    names = [type(event).__name__ for event in world.refute(round_, WRONG)]

    assert names == ["ResultRefuted", "ResultConvicted"]
    assert world.phase(round_) is Phase.AGGREGATE
    assert views.aggregator_of(world.state, 1, world.posters[0]).banned
    assert world.balanced()


def test_refute_a_right_number__refuses(world: World) -> None:
    round_ = world.to_standing()
    world.refused("MarketNotRefuted", lambda: world.refute(round_, RIGHT), check=3, a=1, b=2, c=3)


def test_refute_another_preimage_or_results_below_that_are_not__refuses(world: World) -> None:
    round_ = world.to_standing()
    posted = world.posted_for(round_)
    assert posted is not None
    sound = posted.refutation(Check.Gram, (1, 2, 3), WRONG)
    other = replace(sound, roots=replace(sound.roots, delta=keccak256(b"other")))
    world.refused("MarketWrongOpening", lambda: world.call("refute", 1, round_, other))
    other = replace(sound, below=(Below(keccak256(b"context"), sound.roots),))
    world.refused("MarketBelowCount", lambda: world.call("refute", 1, round_, other), given=1, results=0)


def test_refute_a_file_that_was_never_revealed__convicts_without_evidence(world: World) -> None:
    round_ = world.to_aggregate(revealing=[0, 1])
    world.post(round_, included=[0, 2])
    posted = world.posted_for(round_)
    assert posted is not None
    hidden = posted.refutation(Check.Update, (2, 0, 0), b"")
    loud = replace(hidden, evidence=RIGHT)
    world.refused("MarketEvidenceNotEmpty", lambda: world.call("refute", 1, round_, loud), length=1)
    world.call("refute", 1, round_, hidden)
    assert world.phase(round_) is Phase.AGGREGATE


# ----- ask -----


def test_ask__what_is_above_the_price_comes_back(world: World) -> None:
    round_ = world.to_standing()
    price = LEAF * world.state.limits.ask_floor
    id_ = world.ask(round_, Tree.Accounts, 0, 1, value=price + 5)

    view = views.ask_of(world.state, id_, world.now)
    assert (view.price, view.answer_bytes, view.counts) == (price, LEAF, True)
    assert credit(world, world.anyone) == 5
    assert views.result_of(world.state, 1, round_, world.now).open_asks == 1
    assert world.balanced()


def test_ask_below_the_price_of_a_crowd__refuses(world: World) -> None:
    round_ = world.to_standing()
    base = LEAF * world.state.limits.ask_floor
    for open_asks in range(3):
        price = base + base * open_asks // 64
        world.refused(
            "MarketPriceTooLow",
            lambda price=price: world.ask(round_, Tree.Accounts, 0, 1, value=price - 1),  # type: ignore[misc]
            price=price,
        )
        world.ask(round_, Tree.Accounts, 0, 1, value=price)
    assert credit(world, BURNED) == base // 64 + base * 2 // 64
    assert world.balanced()


@pytest.mark.parametrize(("offset", "allowed"), [(-1, True), (0, False), (1, False)])
def test_ask_around_the_end_of_the_window__is_exact(world: World, offset: int, allowed: bool) -> None:
    round_ = world.to_standing()
    end = world.now + world.params.windows.challenge
    world.now = end + offset
    if allowed:
        world.ask(round_, Tree.Accounts, 0, 0)
    else:
        world.refused("MarketTooLate", lambda: world.ask(round_, Tree.Accounts, 0, 0), end=end)


@pytest.mark.parametrize(
    ("tree", "level", "index"),
    [
        (Tree.Accounts, 0, 4),
        (Tree.Accounts, 3, 0),
        (Tree.Accounts, 2, 1),
        (Tree.Columns, 1, 0),
        (Tree.Delta, 0, 4),
    ],
)
def test_ask_where_honest_trees_have_nothing__refuses(
    world: World, tree: Tree, level: int, index: int
) -> None:
    round_ = world.to_standing()
    world.refused(
        "MarketNoSuchPlace", lambda: world.ask(round_, tree, level, index), level=level, index=index
    )


# ----- answer, convictSilent, settleAsk -----


@pytest.mark.parametrize(("level", "index"), [(0, 0), (0, 3), (1, 0), (1, 1), (2, 0)])
def test_answer__earns_the_price(world: World, level: int, index: int) -> None:
    id_ = world.ask(world.to_standing(), Tree.Accounts, level, index)
    price = views.ask_of(world.state, id_, world.now).price
    world.answer(id_, poster=1)

    assert credit(world, world.posters[1]) == price
    assert views.ask_of(world.state, id_, world.now).due == 0
    assert world.balanced()


def test_answer_wrong_or_of_another_length_or_twice__refuses(world: World) -> None:
    id_ = world.ask(world.to_standing(), Tree.Accounts, 0, 0)
    world.refused("MarketAnswerLength", lambda: world.call("answer", id_, bytes(LEAF + 1)), expected=LEAF)
    world.refused("MarketWrongAnswer", lambda: world.call("answer", id_, bytes(LEAF)))
    world.answer(id_)
    world.refused("MarketAskClosed", lambda: world.call("answer", id_, bytes(LEAF)), id=id_)


@pytest.mark.parametrize(("offset", "allowed"), [(-1, False), (0, True), (1, True)])
def test_convict_silent_around_the_time_to_answer__is_exact(world: World, offset: int, allowed: bool) -> None:
    round_ = world.to_standing()
    id_ = world.ask(round_, Tree.Steps, 0, 0)
    due = world.now + world.params.windows.answer
    world.now = due + offset
    if allowed:
        world.call("convictSilent", id_, caller=world.trainers[0])
        assert world.phase(round_) is Phase.AGGREGATE
        assert credit(world, world.anyone) == 10**6 + 4 * world.params.bond // 3, "the asker is the refuter"
    else:
        world.refused("MarketTooEarly", lambda: world.call("convictSilent", id_), earliest=due)
    assert world.balanced()


def test_settle_ask__only_once_its_result_is_gone(world: World) -> None:
    round_ = world.to_aggregate()
    world.post(round_, included=[0])
    id_ = world.ask(round_, Tree.Accounts, 0, 0)
    world.refused("MarketResultCounts", lambda: world.call("settleAsk", id_), id=id_)
    world.post(round_, poster=1)
    world.refused("MarketResultGone", lambda: world.answer(id_), id=id_)
    world.refused("MarketResultGone", lambda: world.call("convictSilent", id_), id=id_)
    world.call("settleAsk", id_)
    assert credit(world, world.anyone) == 10**6
    assert world.balanced()


def test_an_ask_about_a_result_that_comes_again__stays_about_the_first_posting(world: World) -> None:
    """Else its poster would answer for a time in which its result did not count."""
    round_ = world.to_aggregate()
    world.post(round_, included=[0])
    first = world.project.results[round_].commitment
    id_ = world.ask(round_, Tree.Accounts, 0, 0)
    world.post(round_, poster=1)
    world.call("convict", 1, round_, world.anyone)
    world.now += world.params.windows.first_right
    world.post(round_, included=[0])
    assert world.project.results[round_].commitment == first
    world.refused("MarketResultGone", lambda: world.call("convictSilent", id_), id=id_)


# ----- finalise -----


@pytest.mark.parametrize(("offset", "allowed"), [(-1, False), (0, True), (1, True)])
def test_finalise_after_an_ask__waits_for_a_refutation_of_the_answer(
    world: World, offset: int, allowed: bool
) -> None:
    round_ = world.to_standing()
    windows = world.params.windows
    due = world.now + windows.challenge + windows.answer + windows.refute
    world.answer(world.ask(round_, Tree.Accounts, 0, 0))
    world.now = due + offset
    if allowed:
        world.call("finalise", 1, round_)
    else:
        world.refused("MarketTooEarly", lambda: world.call("finalise", 1, round_), earliest=due)


def test_finalise_with_an_open_ask__refuses(world: World) -> None:
    round_ = world.to_standing()
    id_ = world.ask(round_, Tree.Accounts, 0, 0)
    world.now += 100
    world.refused("MarketAsksOpen", lambda: world.call("finalise", 1, round_), open=1)
    world.answer(id_)
    world.call("finalise", 1, round_)
