"""The specification: the owner's reference. When rounds wait for it, what results say of it; no count has it."""

from __future__ import annotations

import pytest

from market.duties import possible_rows
from market.events import ReferenceRevealed, ReferenceSealed
from market.phases import Phase
from market.seals import sum_term
from market.spec import views
from market.spec.refute import file_root, is_row
from market.units import ZERO32, bytes32
from tests.stateful.world import REFERENCE, World


@pytest.fixture
def world() -> World:
    """A funded project with three trainers, two posters and a reference; three seals end the first COMMIT."""
    world = World.spec()
    world.start(reference_key=REFERENCE, expected_seats=3)
    return world


def seal_all(world: World, round_: int, *seats: int) -> None:
    for seat in seats:
        world.seal(round_, seat)


# ----- sealing -----


def test_seal_reference__is_in_its_slot_and_in_no_count(world: World) -> None:
    round_ = world.open()
    world.seal(round_, 0)
    assert views.round_of(world.state, 1, round_, world.now).reference_awaited

    assert world.seal_reference(round_) == [ReferenceSealed(1, round_, world.reference_seal(round_))]

    view = views.round_of(world.state, 1, round_, world.now)
    assert (view.seal_count, view.active_left, world.project.active_next) == (1, 2, 1)
    assert (view.reference_awaited, view.reference_sealed, view.reference_revealed) == (False, True, False)
    assert views.slot_of(world.state, 1, round_, world.params.seats) == world.reference_seal(round_)
    world.refused("MarketAlreadySealed", lambda: world.seal_reference(round_), seat=world.params.seats)


def test_seal_reference_before_any_trainer__refuses_since_commit_may_be_restarted(world: World) -> None:
    round_ = world.open()
    world.refused("MarketNobodySealed", lambda: world.seal_reference(round_), round=round_)
    world.seal(round_, 0)
    world.seal_reference(round_)
    world.refused("MarketWrongPhase", world.open, current=int(Phase.COMMIT))


@pytest.mark.parametrize("seal", [ZERO32, bytes32(2**216)])
def test_seal_reference_that_is_none__refuses(world: World, seal: bytes) -> None:
    world.seal(world.open(), 0)
    world.refused("MarketBadSeal", lambda: world.call("sealReference", 1, 1, seal, caller=REFERENCE))


def test_seal_reference_by_another__refuses(world: World) -> None:
    world.seal(world.open(), 0)
    args = ("sealReference", 1, 1, bytes32(7))
    world.refused("MarketNotSigner", lambda: world.call(*args, caller=world.owner), signer=REFERENCE)


def test_seal_reference_without_a_key__refuses() -> None:
    world = World.spec()
    world.start()
    world.seal(world.open(), 0)
    assert not views.round_of(world.state, 1, 1, world.now).reference_awaited
    world.refused("MarketNotSigner", lambda: world.seal_reference(1))


def test_register_by_the_reference_key__refuses(world: World) -> None:
    at_the_limit = world.params.seats
    world.refused("MarketAlreadySeated", lambda: world.register(3, REFERENCE), seat=at_the_limit)


# ----- early ends -----


@pytest.mark.parametrize("last", ["trainer", "reference"])
def test_commit_and_reveal__end_with_the_last_of_both(world: World, last: str) -> None:
    round_ = world.open()
    world.seal(round_, 0)
    seal_all(world, round_, *((1, 2) if last == "reference" else (1,)))
    assert world.phase(round_) is Phase.COMMIT
    world.seal_reference(round_)
    if last == "trainer":
        assert world.phase(round_) is Phase.COMMIT
        world.seal(round_, 2)
    assert world.phase(round_) is Phase.REVEAL

    for seat in (0, 1, 2) if last == "reference" else (0, 1):
        world.reveal(round_, seat)
    assert world.phase(round_) is Phase.REVEAL
    world.reveal_reference(round_)
    if last == "trainer":
        assert world.phase(round_) is Phase.REVEAL
        world.reveal(round_, 2)
    assert world.phase(round_) is Phase.AGGREGATE


def test_commit_first_round_with_more_seals_than_expected__ends_with_the_reference(world: World) -> None:
    world.register(3)
    round_ = world.open()
    seal_all(world, round_, 0, 1, 2, 3)
    world.seal_reference(round_)
    assert world.phase(round_) is Phase.REVEAL


def test_absent_reference__delays_one_commit_by_its_window_and_no_other(world: World) -> None:
    first = world.open()
    seal_all(world, first, 0, 1, 2)
    assert world.phase(first) is Phase.COMMIT
    world.now = world.project.rounds[first].commit_end
    for seat in range(3):
        world.reveal(first, seat)
    world.post(first)
    second = world.open()
    seal_all(world, second, 0, 1, 2)
    assert world.phase(second) is Phase.REVEAL


def test_silent_reference__delays_one_reveal_and_owes_nothing(world: World) -> None:
    round_ = world.to_reveal()
    for seat in range(3):
        world.reveal(round_, seat)
    world.now = world.project.rounds[round_].reveal_end - 1
    assert world.phase(round_) is Phase.REVEAL
    world.now += 1
    assert views.round_of(world.state, 1, round_, world.now).uncharged == 0
    world.post(round_)
    assert world.phase(round_) is Phase.STANDING
    assert not views.round_of(world.state, 1, world.open(), world.now).reference_awaited
    assert world.balanced()


@pytest.mark.parametrize("seats", [(0,), (0, 1)])
def test_reference_beside_too_few_trainers__the_round_is_void(world: World, seats: tuple[int, ...]) -> None:
    round_ = world.open()
    seal_all(world, round_, *seats)
    world.seal_reference(round_)
    world.now = world.project.rounds[round_].commit_end
    assert world.phase(round_) is (Phase.VOID if len(seats) < world.params.min_seals else Phase.REVEAL)


# ----- revealing -----


def test_reveal_reference__joins_the_sum_and_no_count(world: World) -> None:
    round_ = world.to_reveal()
    world.reveal(round_, 1)
    root, salt = world.update(round_, world.params.seats)
    before = world.project.rounds[round_].reveal_sum

    (event,) = world.reveal_reference(round_)

    assert isinstance(event, ReferenceRevealed)
    assert event.update_root == root
    facts = world.project.rounds[round_]
    assert facts.reveal_sum == (before + sum_term(REFERENCE, root, salt)) % 2**128
    assert facts.reveal_count == 1
    world.refused("MarketNotSealed", lambda: world.reveal_reference(round_), slot=root)


def test_reveal_reference_of_another_root__refuses(world: World) -> None:
    round_ = world.to_reveal()
    salt = world.update(round_, world.params.seats)[1]
    other = ("revealReference", 1, round_, b"\xee" * 32, salt, ZERO32)
    world.refused("MarketSealMismatch", lambda: world.call(*other, caller=REFERENCE))
    small = ("revealReference", 1, round_, bytes32(2**216 - 1), salt, ZERO32)
    world.refused("MarketRootTooSmall", lambda: world.call(*small, caller=REFERENCE))
    world.refused("MarketNotSigner", lambda: world.call(*other, caller=world.owner))


# ----- results -----


def test_post_without_a_revealed_reference__is_proposed_and_replaced_by_one_more_row(world: World) -> None:
    round_ = world.to_aggregate()
    world.post(round_, reference=False)
    assert world.phase(round_) is Phase.PROPOSED
    world.refused("MarketNotBetter", lambda: world.post(round_, poster=1, reference=False))
    world.post(round_, poster=1)
    assert world.phase(round_) is Phase.STANDING
    assert world.project.results[round_].row_count == 1 == possible_rows(world.snapshot(), round_, 0)


def test_post_with_a_reference_that_did_not_reveal__refuses(world: World) -> None:
    round_ = world.to_reveal()
    world.reveal(round_, 0)
    world.now = world.project.rounds[round_].reveal_end
    post, accounts = world.draft(round_)
    odd = post.__class__(**{**post.__dict__, "rows": (post.rows[0] | 8, *post.rows[1:])})
    send = lambda: world.send_post(round_, world.posters[0], odd, accounts)  # noqa: E731
    world.refused("MarketReferenceNotRevealed", send, round=round_)


@pytest.mark.parametrize(("rows", "there"), [((8, 0, 0), True), ((7, 1, 1), False), ((15, 0, 0), True)])
def test_row_of_the_reference__is_the_bit_above_the_deltas(rows: tuple[int, ...], there: bool) -> None:
    assert is_row(4, (15,), rows, 4) is there


def test_file_of_the_reference__is_what_it_revealed(world: World) -> None:
    round_ = world.to_aggregate()
    seats = world.params.seats
    assert file_root(world.project, round_, seats, ()) == world.update(round_, seats)[0]
