"""Phases: a view over facts and time, ordinals as in Solidity, edges as drawn."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from market.phases import ALLOWED, NEXT, TERMINAL, WARM, Phase, PhaseFacts, may_follow, phase_at, reachable

TYPES = Path(__file__).parents[2] / "contracts" / "src" / "types.sol"
SEALED = PhaseFacts(exists=True, commit_end=100, reveal_end=200, seal_count=2, reveal_count=2, min_seals=2)


def test_phase__names_and_ordinals_as_in_solidity() -> None:
    body = re.search(r"enum Phase \{(.*?)\}", TYPES.read_text(), re.S)
    assert body
    names = re.findall(r"^\s*(\w+)", re.sub(r"//.*", "", body[1]), re.M)

    assert [name.upper() for name in names] == [phase.name for phase in sorted(Phase)]


@pytest.mark.parametrize(
    ("facts", "now", "expected"),
    [
        (PhaseFacts(exists=False), 0, Phase.NONE),
        (SEALED, 99, Phase.COMMIT),
        (SEALED, 100, Phase.REVEAL),
        (SEALED, 101, Phase.REVEAL),
        (SEALED, 199, Phase.REVEAL),
        (SEALED, 200, Phase.AGGREGATE),
        (SEALED, 201, Phase.AGGREGATE),
        (replace(SEALED, seal_count=1), 99, Phase.COMMIT),
        (replace(SEALED, seal_count=1), 100, Phase.VOID),
        (replace(SEALED, seal_count=3), 100, Phase.REVEAL),
        (replace(SEALED, reveal_count=0), 199, Phase.REVEAL),
        (replace(SEALED, reveal_count=0), 200, Phase.VOID),
        (replace(SEALED, reveal_count=1), 200, Phase.AGGREGATE),
        (replace(SEALED, covered=True, stands_at=300), 299, Phase.PROPOSED),
        (replace(SEALED, covered=True, stands_at=300), 300, Phase.STANDING),
        (replace(SEALED, covered=True, stands_at=300), 10**9, Phase.STANDING),
        (replace(SEALED, covered=False, stands_at=300), 300, Phase.AGGREGATE),
        (replace(SEALED, covered=True, final=True), 300, Phase.FINAL),
        (replace(SEALED, flat=True), 300, Phase.FLAT),
    ],
)
def test_phase_at__follows_facts_and_time(facts: PhaseFacts, now: int, expected: Phase) -> None:
    assert phase_at(facts, now) is expected


def test_next__terminal_phases_have_no_way_out() -> None:
    assert {phase for phase, after in NEXT.items() if not after} == TERMINAL
    assert not WARM & TERMINAL


def test_reachable__every_phase_can_end() -> None:
    for phase in Phase:
        assert reachable(phase) & TERMINAL


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Phase.FINAL, Phase.AGGREGATE),
        (Phase.FLAT, Phase.STANDING),
        (Phase.VOID, Phase.COMMIT),
        (Phase.REVEAL, Phase.COMMIT),
        (Phase.AGGREGATE, Phase.VOID),
        (Phase.COMMIT, Phase.NONE),
    ],
)
def test_may_follow_forbidden_step__refuses(before: Phase, after: Phase) -> None:
    assert not may_follow(before, after)


def test_may_follow_void_without_seals__may_be_opened_again() -> None:
    assert may_follow(Phase.VOID, Phase.COMMIT, seal_count=0)
    assert not may_follow(Phase.VOID, Phase.NONE, seal_count=0)
    assert may_follow(Phase.STANDING, Phase.AGGREGATE)


def test_allowed__names_only_calls_of_the_market() -> None:
    from market.spec import PROCESS

    assert set(ALLOWED) <= set(PROCESS)
