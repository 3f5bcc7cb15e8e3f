"""Wrong results are convicted by the real contracts from what the watcher builds; honest results never are.

`FAIRTRAIN_PROFILE=deep` plays 2,000 of each instead of 200.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import pytest
from check_calls import Call, CheckContract, Refused, check_contract
from refute_rounds import Made, made
from step_rounds import STEP_BY_NAME

from aggregator.decide import Seats
from aggregator.refute.builder import READS, evidence_for
from aggregator.refute.differences import Difference, first_difference
from aggregator.refute.evidence import SLOT_OF
from aggregator.refute.mutate import Wrong, changes, entries, lie, tampered_entry
from aggregator.refute.trees import Trees
from aggregator.trees import SLOTS
from market.devnet import Devnet
from market.refutation import Check, Tree

DEEP = os.environ.get("FAIRTRAIN_PROFILE") == "deep"
COUNT = 2_000 if DEEP else 200
SHAPES: list[tuple[int, int, int, Sequence[int]]] = [
    # seats, d, rounds, included; the number of seats is the owner's reference
    (12, 40_000, 3, (0, 1, 2, 3, 4, 6, 7, 8, 9, 11)),
    (6, 20_000, 3, (0, 1, 2, 4, 5, 6)),
    (1, 1_000, 2, (0,)),
    (2, 17_000, 1, (0, 1)),
    (5, 1_024, 3, (0, 2, 3, 4)),
    (13, 3_000, 2, (*range(12), 13)),
    *([(40, 20_000, 2, tuple(range(1, 40))), (200, 3_000, 2, tuple(range(0, 200, 2)))] if DEEP else []),
]


class Court:
    """Sends a question to the contract that has the check, as the market's court does."""

    def __init__(self, trees: CheckContract, rule: CheckContract, pay: CheckContract) -> None:
        self._trees, self._rule, self._pay = trees, rule, pay

    def verdicts(self, calls: Sequence[Call]) -> list[bool | Refused]:
        """What each check says."""
        out: dict[int, bool | Refused] = {}
        for contract in (self._trees, self._rule, self._pay):
            mine = [k for k, call in enumerate(calls) if self._contract(call) is contract]
            out |= dict(zip(mine, contract.answers([calls[k] for k in mine]), strict=True))
        return [out[k] for k in range(len(calls))]

    def _contract(self, call: Call) -> CheckContract:
        if call.check != Check.Step:
            return self._trees
        first = call.b < 8 if call.a == 0 else call.a <= SLOT_OF["residual_gram"]
        return self._rule if first else self._pay


@pytest.fixture(scope="module")
def court(session_anvil: Devnet, pytestconfig: pytest.Config) -> Iterator[Court]:
    """The three contracts of checks as they are in contracts/src."""
    kept = pytestconfig.cache.mkdir("checks")
    names = ("TreeChecks", "RuleChecks", "PayChecks")
    contracts = [
        check_contract(session_anvil, name, f"0x{k:040x}", kept) for k, name in enumerate(names, start=0x9000)
    ]
    yield Court(*contracts)
    for contract in contracts:
        contract.close()


@pytest.fixture(scope="module", params=SHAPES, ids=lambda case: f"N={case[0]},d={case[1]}")
def round_(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    seats, d, rounds, included = request.param
    return made(tmp_path_factory.mktemp("round"), seats, d, rounds, included)


def files_of(found: Difference, trees: Trees) -> list[bytes]:
    """Roots of update files that the court gives to a check."""
    case = trees.case
    match found.check:
        case Check.Sketch | Check.Update:
            rows = [found.a]
        case Check.Presence if found.a == Tree.Update:
            rows = [found.c]
        case Check.Column:
            rows = [found.c] if found.c in case.included else []
        case Check.Delta if not case.shape.has_columns:
            rows = sorted(case.included)
        case _:
            rows = []
    return [trees.update(row).root if row in case.present else bytes(32) for row in rows]


def question(found: Difference, posted: Trees, evidence: bytes) -> Call:
    return Call(posted, found.check, found.a, found.b, found.c, evidence, files_of(found, posted))


def conviction(honest: Trees, wrong: Wrong) -> Call:
    """What the watcher would send about a wrong result."""
    found = first_difference(honest, wrong.posted)
    assert found is not None, f"not noticed: {wrong.name}"
    assert honest.view is not None
    return question(found, wrong.posted, evidence_for(found, wrong.posted, honest.view))


def expect_all_convicted(court: Court, honest: Trees, wrongs: Sequence[Wrong]) -> Counter[str]:
    calls = [conviction(honest, wrong) for wrong in wrongs]
    for wrong, call, verdict in zip(wrongs, calls, court.verdicts(calls), strict=True):
        assert verdict is True, (wrong.name, Check(call.check).name, call.a, call.b, call.c, verdict)
    return Counter(Check(call.check).name for call in calls)


def test_changed_results__are_all_convicted(court: Court, round_: Made) -> None:
    seats = round_.trees.case.shape.seats
    wrongs = list(islice(changes(round_.trees, Random(seats)), COUNT // len(SHAPES)))

    kinds = expect_all_convicted(court, round_.trees, wrongs)

    assert len(kinds) > 3 or seats < 3


def test_results_changed_twice__are_all_convicted(court: Court, round_: Made) -> None:
    """The first wrong number is found, and its evidence does not pass over the second."""
    random = Random(5)
    once = islice(changes(round_.trees, random), COUNT // len(SHAPES))
    twice = [(one.name, next(changes(one.posted, random))) for one in once]
    wrongs = [Wrong(f"{first}; {second.name}", second.posted) for first, second in twice]
    right = [
        first_difference(round_.trees, wrong.posted) is None for wrong in wrongs
    ]  # the second undid the first

    expect_all_convicted(court, round_.trees, [w for w, same in zip(wrongs, right, strict=True) if not same])
    assert sum(right) < 3


def test_lies_with_consequences__are_all_convicted(court: Court, round_: Made, tmp_path: Path) -> None:
    """One number wrong, everything above it computed from it as an honest poster would."""
    random, trees = Random(7), round_.trees
    assert trees.view is not None
    shapes = {"sketch": (trees.case.shape.rows, 256), **entries(trees.view)}
    below = round_.before.step_roots if round_.before else None
    wrongs = []
    for k, name in enumerate(shapes if DEEP else random.sample(list(shapes), 8)):
        (folder := tmp_path / str(k)).mkdir()
        rows = sorted(trees.case.present) if name == "sketch" else sorted(trees.case.included)
        place = tuple(
            random.choice([row for row in rows if row < n]) if at == 0 else random.randrange(n)
            for at, n in enumerate(shapes[name])
        )
        told = lie(
            round_.inputs,
            folder,
            tampered_entry(name, place, _by(trees, name, place, random)),
            start=below is None,
            step_roots_below=below,
        )
        wrongs.append(Wrong(f"{name} {place}", told.trees))

    expect_all_convicted(court, trees, wrongs)


def _by(trees: Trees, name: str, place: tuple[int, ...], random: Random) -> int:
    """One more, or where that leaves it positive one less: leaves hold no negative pay, and lengths divide. No row
    comes after the last, so nothing could be computed from a pick of it."""
    value = getattr(trees.view, name)
    number = int(value[place] if place else value)
    if name == "picks" and number == trees.case.shape.rows - 1:
        return -1
    return random.choice([-1, 1]) if number > 1 else 1


def test_results_of_other_facts__are_convicted(court: Court, round_: Made, tmp_path: Path) -> None:
    """Honest workings for another round than the chain's: seed, pot, state, accounts, base, a seat more."""
    inputs, trees = round_.inputs, round_.trees
    below = round_.before.step_roots if round_.before else None
    other: dict[str, dict[str, object]] = {
        "seed": {"seed": bytes(31) + b"\x01"},
        "pot": {"pot": inputs.pot + 10**6},
        "unit": {"accounts": [replace(a, penalty=a.penalty + 1) for a in inputs.accounts]},
        "reputation": {"accounts": [replace(a, reputation=a.reputation - 5) for a in inputs.accounts]},
    }
    if len(inputs.updates) > 1:
        seat = max(inputs.updates)
        without = [flag and k != seat for k, flag in enumerate(inputs.seats.included)]
        other["seat dropped"] = {
            "updates": {k: file for k, file in inputs.updates.items() if k != seat},
            "seats": Seats(inputs.seats.sealed, without, inputs.seats.first),
        }
    wrongs = []
    for k, (name, changed) in enumerate(other.items()):
        (folder := tmp_path / str(k)).mkdir()
        told = lie(
            replace(inputs, **changed),  # type: ignore[arg-type]
            folder,
            lambda _, value: value,
            start=below is None,
            step_roots_below=below,
            claimed=inputs,
        )
        wrongs.append(Wrong(name, told.trees))

    wrongs = [w for w in wrongs if w.posted.roots() != trees.roots() or w.posted.case.paid != trees.case.paid]
    assert len(wrongs) > 1
    expect_all_convicted(court, trees, wrongs)


# ----- the honest -----


def anywhere(trees: Trees, random: Random) -> Difference:
    """Coordinates of some number, of any check."""
    shape, check = trees.case.shape, random.choice([*Check, *[Check.Step] * 8])
    rows, seats = sorted(trees.case.present), sorted(trees.case.included)
    match check:
        case Check.Presence:
            tree = random.choice([t for t in Tree if t is not Tree.Columns or trees.columns])
            row = random.choice(rows) if tree is Tree.Update else 0
            index = random.randrange(1 << trees.of(tree, row).depth)
            return Difference(check, int(tree), index, row)
        case Check.Update:
            return Difference(check, random.choice(rows))
        case Check.Sketch:
            return Difference(check, random.choice(rows), random.randrange(shape.segments))
        case Check.Gram:
            return Difference(check, random.choice(rows), random.choice(rows))
        case Check.Step:
            slot = random.randrange(len(SLOTS) + 1)
            if slot == 0:
                return Difference(check, 0, random.randrange(16))
            step = SLOTS[slot - 1]
            if step.kind == "vector":
                return Difference(check, slot, random.randrange(step.length(shape.seats)))
            row = random.randrange(shape.seats) if step.carried else random.choice(seats)
            return Difference(check, slot, row, random.randrange(step.length(shape.seats)))
        case Check.Account:
            return Difference(check, random.randrange(shape.seats))
        case Check.Column if trees.columns is not None:
            group = random.randrange(-(-shape.d // 1024) * 128)
            return Difference(check, group, random.randrange(8), random.randrange(shape.seats))
        case Check.Delta:
            return Difference(check, random.randrange(-(-shape.d // 1024)), random.randrange(1024))
        case Check.Model:
            return Difference(check, random.randrange(-(-shape.d // 1024)), random.randrange(1024))
        case _:
            return Difference(Check.Paid)


def spoiled(evidence: bytes, random: Random) -> bytes:
    """Evidence that is a little off: cut, longer, shifted, swapped, with a zero tail or a changed bit."""
    at = random.randrange(len(evidence))
    return random.choice(
        [
            evidence[:-1],
            evidence[:-32],
            evidence + bytes(32),
            evidence + evidence[-32:],
            evidence[1:] + b"\0",
            evidence[32:] + evidence[:32],
            evidence[:-32] + bytes(32),
            evidence[:at] + bytes([evidence[at] ^ 1 << random.randrange(8)]) + evidence[at + 1 :],
            evidence[:at],
            b"",
        ]
    )


def test_honest_results__cannot_be_convicted(court: Court, round_: Made) -> None:
    """True evidence says that the number is right; evidence that is off, or about another place, is refused."""
    random, trees = Random(11), round_.trees
    assert trees.view is not None
    true, off = [], []
    while len(true) < COUNT // len(SHAPES):
        found = anywhere(trees, random)
        evidence = evidence_for(found, trees, trees.view)
        true.append(question(found, trees, evidence))
        off.append(question(found, trees, spoiled(evidence, random)))
        moved = replace(found, **{random.choice("abc"): random.randrange(70)})
        if moved.a < 8 or moved.check is not Check.Presence:
            off.append(question(moved, trees, evidence))

    verdicts = court.verdicts(true)
    assert set(verdicts) == {False}, [
        (Check(c.check).name, c.a, c.b, c.c, v) for c, v in zip(true, verdicts, strict=True) if v is not False
    ]
    for call, verdict in zip(off, court.verdicts(off), strict=True):
        assert verdict is not True, (Check(call.check).name, call.a, call.b, call.c, len(call.evidence))


def test_reads__are_there_for_all_steps() -> None:
    assert READS.keys() == STEP_BY_NAME.keys()
    assert np.array_equal(sorted(READS), sorted(STEP_BY_NAME))
