"""The fold over events: who held which seat when, what a round distributes, and what still locks or is owed."""

from __future__ import annotations

import pytest
from sample_events import (
    CONTENT,
    PARAMS,
    POSTER,
    PROJECT,
    created,
    left,
    opened,
    posted,
    registered,
    revealed,
    sealed,
    trainer,
    word,
)

from market.errors import ChainError
from market.events import (
    Answered,
    Asked,
    AskSettled,
    BondReleased,
    FlatClaimed,
    ReferenceRevealed,
    ReferenceSealed,
    ResultCleared,
    ResultConvicted,
    RoundFinalised,
    RoundFlattened,
)
from market.history import History, Reveal
from market.refutation import Tree
from market.seals import add_reveal

A, B = word("commitment a"), word("commitment b")


def history(*events: object) -> History:
    """Events of a created project with seats 0 to 3 held by trainers 0 to 3; lists are taken apart."""
    made = History(PROJECT)
    made.apply([created(), *(registered(seat, seat) for seat in range(4))])
    for event in events:
        made.apply(event if isinstance(event, list) else [event])  # type: ignore[list-item]
    return made


# ----- seats -----


def test_apply_created__params_content_and_owner() -> None:
    made = history()

    assert (made.params, made.content) == (PARAMS, CONTENT)
    assert made.seats_held() == {seat: trainer(seat) for seat in range(4)}


def test_apply_event_of_another_project__is_passed_over() -> None:
    made = History(PROJECT + 1)
    made.apply([created(), opened(1)])

    assert made.rounds == {}


@pytest.mark.parametrize("part", ["params", "content"])
def test_params_of_unknown_project__refused_with_next_step(part: str) -> None:
    with pytest.raises(ChainError, match=r"E205 project 7 .*fairtrain project list"):
        getattr(History(PROJECT), part)


def test_reveal_twice__only_the_first_counts_as_first() -> None:
    made = history(opened(1), sealed(1, 0), revealed(1, 0), opened(2), sealed(2, 0, 1), revealed(2, 0, 1))

    assert made.round(1).reveals[0].first
    assert not made.round(2).reveals[0].first
    assert made.round(2).reveals[1].first


def test_reveal_after_seal_alone__is_still_first() -> None:
    made = history(opened(1), sealed(1, 0), opened(2), sealed(2, 0), revealed(2, 0))

    assert made.round(2).reveals[0].first


def test_reveal_of_next_holder__new_tenure_and_first_again() -> None:
    made = history(
        opened(1),
        sealed(1, 2),
        revealed(1, 2),
        left(2),
        registered(2, 9),
        opened(2),
        sealed(2, 2),
        revealed(2, 2),
    )

    before, after = made.round(1).reveals[2], made.round(2).reveals[2]
    assert (before.trainer, before.tenure, before.first) == (trainer(2), 0, True)
    assert (after.trainer, after.tenure, after.first) == (trainer(9), 1, True)
    assert made.signer(2) == trainer(9)


def test_leave__seat_is_free_and_tenure_counted() -> None:
    made = history(left(1))

    assert made.signer(1) is None
    assert (made.past_tenures(1), made.past_tenures(0)) == (1, 0)


# ----- rounds -----


def test_round_that_was_never_opened__is_empty() -> None:
    made = history()

    assert made.round(5).number == 5
    assert not made.round(5).seals
    assert 5 not in made.rounds


def test_open_again_on_another_base__replaces_base() -> None:
    made = history(opened(1), opened(1, base=word("other")))

    assert made.round(1).base_root == word("other")


@pytest.mark.parametrize(("reveals", "missed_units"), [(1, 0), (2, 2), (3, 1), (4, 0)])
def test_full_pot_around_half_of_four_seals__units_from_half_on(reveals: int, missed_units: int) -> None:
    made = history(opened(1), sealed(1, 0, 1, 2, 3), revealed(1, *range(reveals)))

    assert made.round(1).full_pot(PARAMS) == PARAMS.pot + missed_units * PARAMS.unit


@pytest.mark.parametrize(("reveals", "missed_units"), [(1, 0), (2, 1)])
def test_full_pot_of_three_seals__half_is_rounded_up(reveals: int, missed_units: int) -> None:
    made = history(opened(1), sealed(1, 0, 1, 2), revealed(1, *range(reveals)))

    assert made.round(1).full_pot(PARAMS) == PARAMS.pot + missed_units * PARAMS.unit


def test_conviction__adds_to_the_pot_of_its_round() -> None:
    refuter = trainer(1)
    made = history(opened(1), posted(1, A), ResultConvicted(PROJECT, 1, trainer(8), refuter, 50, 51, 52))

    assert made.round(1).pot == PARAMS.pot + 51


def test_reveal_sum__is_that_of_the_reveals_in_any_order() -> None:
    made = history(opened(1), sealed(1, 0, 3), revealed(1, 3, 0))

    expected = 0
    for seat in (0, 3):
        expected = add_reveal(expected, trainer(seat), word(f"root 1 {seat}"), word(f"salt 1 {seat}"))
    assert made.round(1).reveal_sum() == expected
    assert made.round(2).reveal_sum() == 0


# ----- the owner's reference -----


def test_reference__is_no_seat_and_adds_its_term_to_the_sum() -> None:
    made = history(opened(1), sealed(1, 0), ReferenceSealed(PROJECT, 1, word("seal")), revealed(1, 0))
    assert (made.round(1).reference_seal, made.round(1).reference) == (word("seal"), None)
    without = made.round(1).reveal_sum()

    made.apply([ReferenceRevealed(PROJECT, 1, word("root"), word("salt"), word("file"))])

    reference = made.round(1).reference
    assert reference == Reveal(4, PARAMS.reference_key, word("root"), word("salt"), word("file"), False, 0)
    assert made.round(1).reveal_sum() == add_reveal(without, PARAMS.reference_key, word("root"), word("salt"))
    assert (set(made.round(1).seals), set(made.round(1).reveals)) == ({0}, {0})
    assert made.round(1).full_pot(PARAMS) == PARAMS.pot


def test_reference_of_a_round_without_one__none() -> None:
    made = history(opened(1), sealed(1, 0), revealed(1, 0))

    assert (made.round(1).reference_seal, made.round(1).reference) == (None, None)


# ----- results -----


def test_posted__finds_any_round_and_the_start_is_none() -> None:
    made = history(opened(1), posted(1, A), opened(2), posted(2, B))

    assert made.posted(B).round == 2  # type: ignore[union-attr]
    assert made.posted(word("start")) is None


def test_posted_model_made_twice__newest_merged_post() -> None:
    made = history(opened(1), posted(1, A), opened(2), posted(2, B, merged=False))

    assert made.posted_model(word("model")).commitment == A  # type: ignore[union-attr]
    made.apply([posted(2, word("again"))])
    assert made.posted_model(word("model")).commitment == word("again")  # type: ignore[union-attr]


def test_posted_model_of_first_model__none() -> None:
    assert history(opened(1), posted(1, A)).posted_model(CONTENT.model_root) is None


@pytest.mark.parametrize(("tip", "expected"), [(0, {1, 2}), (1, {2}), (2, set())])
def test_stale_around_the_tip__rounds_above_that_lock(tip: int, expected: set[int]) -> None:
    made = history(opened(1), posted(1, A), opened(2), posted(2, B), opened(3))

    assert made.stale(tip) == expected


@pytest.mark.parametrize(
    "ending",
    [
        BondReleased(PROJECT, 1, trainer(8)),
        RoundFinalised(PROJECT, 1, trainer(8), 1, 2, 3),
        ResultCleared(PROJECT, 1, trainer(8)),
        ResultConvicted(PROJECT, 1, trainer(8), trainer(1), 1, 1, 1),
        RoundFlattened(PROJECT, 1, 100, 2),
    ],
)
def test_stale_after_the_lock_is_gone__nothing_to_release(ending: object) -> None:
    assert history(opened(1), posted(1, A), ending).stale(0) == frozenset()


def test_stale_posted_again__locks_again() -> None:
    made = history(opened(1), posted(1, A), ResultCleared(PROJECT, 1, trainer(8)), posted(1, B))

    assert made.stale(0) == {1}


def test_flat_due__only_who_revealed_and_has_not_taken() -> None:
    made = history(opened(1), sealed(1, 0, 1), revealed(1, 0), RoundFlattened(PROJECT, 1, 100, 1))

    assert made.flat_due(0) == {1}
    assert made.flat_due(1) == frozenset()
    made.apply([FlatClaimed(PROJECT, 1, 0, trainer(0), 100)])
    assert made.flat_due(0) == frozenset()


def test_flat_due_of_the_next_holder__not_theirs() -> None:
    made = history(opened(1), sealed(1, 0), revealed(1, 0), RoundFlattened(PROJECT, 1, 100, 1), left(0))
    made.apply([registered(0, 9)])

    assert made.flat_due(0) == frozenset()


# ----- asks -----


def asked(number: int) -> Asked:
    return Asked(PROJECT, 1, number, trainer(9), Tree.Gram, 0, 8, 0, A, 8_192, 5, 0, 0, 60)


def test_apply_asked__waits_until_answered_and_keeps_the_answer() -> None:
    made = history(asked(1), asked(2), Answered(PROJECT, 1, 2, POSTER, 5, b"bytes"))

    assert (made.asks[1].is_open, made.asks[1].answer) == (True, None)
    assert (made.asks[2].is_open, made.asks[2].answer) == (False, b"bytes")


def test_apply_ask_settled__is_closed_without_an_answer() -> None:
    made = history(asked(1), AskSettled(PROJECT, 1, 1, trainer(9), 5))

    assert (made.asks[1].is_open, made.asks[1].answer) == (False, None)
