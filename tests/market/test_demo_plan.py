"""Who takes part in a demonstration: decided by options and seed alone, and never a majority of cheats."""

from __future__ import annotations

from collections import Counter

import pytest

from aggregator import lies
from market.demo.liar import KINDS, windows_with_asks
from market.demo.plan import (
    DEFAULT_ATTACKERS,
    FIRST_TRAINER_KEY,
    HONEST,
    attackers,
    held_out_data,
    members,
    sizes,
)
from market.errors import InputError
from market.params import DEMO


def test_attackers_default__one_of_each_kind() -> None:
    assert attackers(DEFAULT_ATTACKERS) == {"sign-flip": 1, "free-rider": 1, "copier": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("none", {}),
        ("copier", {"copier": 1}),
        ("zero=2, zero=1", {"zero": 3}),
        ("noise=0", {"noise": 0}),
        ("my/own.py:attack=2,copier", {"my/own.py:attack": 2, "copier": 1}),
    ],
)
def test_attackers__kinds_and_counts(text: str, expected: dict[str, int]) -> None:
    assert attackers(text) == expected


@pytest.mark.parametrize("text", ["=2", "copier=", "copier=two", "copier=-1", "copier=1,,", "copier=1.5"])
def test_attackers_wrong_text__refused_e187(text: str) -> None:
    with pytest.raises(InputError, match=r"E187 attackers: got .*for example copier=1"):
        attackers(text)


def test_members__seats_keys_and_disjoint_parts() -> None:
    people = members(10, attackers(DEFAULT_ATTACKERS), seed=0, alpha=0.5)

    assert [person.seat for person in people] == list(range(10))
    assert [person.key for person in people] == [FIRST_TRAINER_KEY + seat for seat in range(10)]
    assert Counter(person.kind for person in people) == {
        HONEST: 7,
        "sign-flip": 1,
        "free-rider": 1,
        "copier": 1,
    }
    assert people[3].data == "sklearn:digits?part=3&parts=10&alpha=0.5&seed=0"
    assert len({person.data for person in people}) == 10


def test_members_same_seed__same_people() -> None:
    wanted = attackers(DEFAULT_ATTACKERS)

    assert members(10, wanted, 4, 0.5) == members(10, wanted, 4, 0.5)
    assert len({tuple(p.kind for p in members(10, wanted, seed, 0.5)) for seed in range(8)}) > 1


def test_members_with_sizes__equal_distribution_in_those_proportions() -> None:
    people = members(4, {}, 2, 0.5, "1:2:4:8")

    assert people[1].data == "sklearn:digits?part=1&sizes=1:2:4:8&seed=2"


@pytest.mark.parametrize(
    ("trainers", "refused"), [(1, True), (2, False), (3, False), (50, False), (51, True)]
)
def test_members_around_the_limits(trainers: int, refused: bool) -> None:
    if refused:
        with pytest.raises(InputError, match=f"E187 trainers: got {trainers}, expected 2 to 50"):
            members(trainers, {}, 0, 0.5)
    else:
        assert len(members(trainers, {}, 0, 0.5)) == trainers


@pytest.mark.parametrize(("cheats", "refused"), [(4, False), (5, True), (6, True)])
def test_members_around_half_cheats(cheats: int, refused: bool) -> None:
    if refused:
        with pytest.raises(InputError, match=f"E187 attackers: {cheats} of 10 are a majority"):
            members(10, {"zero": cheats}, 0, 0.5)
    else:
        assert len(members(10, {"zero": cheats}, 0, 0.5)) == 10


@pytest.mark.parametrize("text", ["1:2", "1:2:3:4"])
def test_members_other_number_of_sizes__refused_e187(text: str) -> None:
    with pytest.raises(InputError, match=r"E187 sizes: .* for 3 trainers"):
        members(3, {}, 0, 0.5, text)


@pytest.mark.parametrize("text", ["", "0:1", "1:", "1:-2", "a", "1.5:2"])
def test_sizes_wrong_text__refused_e187(text: str) -> None:
    with pytest.raises(InputError, match=r"E187 sizes: got"):
        sizes(text)


def test_held_out_data__is_the_part_that_no_trainer_has() -> None:
    assert held_out_data(3) == "sklearn:digits?test=1&seed=3"


def test_kinds_of_liars__are_those_that_aggregators_can_be() -> None:
    assert set(KINDS) == lies.KINDS.keys()


def test_windows_with_asks__leave_time_for_five_questions() -> None:
    windows = windows_with_asks(DEMO.windows)

    assert windows.challenge >= 5 * (windows.answer + 1)
    assert windows.refute >= windows.answer
    assert DEMO.project(0, 100, windows=windows).windows == windows
