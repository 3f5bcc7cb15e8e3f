"""Whole rounds on real files: recomputed to the bit, refused where wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sample_rounds import FEE, POT, UNIT, Project, honest_updates

from aggregator.decide import Seats
from aggregator.judge import File, judge, start_steps_root
from aggregator.rows import Shape
from aggregator.state import read_state, state_bytes
from market.codec import MODEL, UPDATE, check_model_file, check_update_file, decode, encode, update_root
from market.errors import UpdateError
from market.merkle import ABSENT, leaf_hash, verify
from market.records import START_ACCOUNT
from market.result_document import account_bytes

D = 20_000


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, D, 6)


def play(project: Project, rounds: int, seats: tuple[int, ...] = (0, 1, 2, 3, 4)):
    rng = np.random.default_rng(9)
    return [project.round(honest_updates(project.d, seats, rng)) for _ in range(rounds)]


def test_judge_over_rounds__pays_each_pot_and_moves_the_model(project: Project) -> None:
    judgements = play(project, 4)

    for judgement in judgements:
        assert POT - FEE - 6 < judgement.paid <= POT - FEE
        assert judgement.paid == sum(int(line.pay) for line in judgement.seats)
    assert sum(account.pay for account in project.accounts) == sum(j.paid for j in judgements)
    assert project.accounts[5] == START_ACCOUNT
    model = decode(judgements[-1].model.read_bytes(), D, MODEL)
    deltas = [decode(j.delta.read_bytes(), D, UPDATE).astype(int) for j in judgements]
    assert (model == sum(deltas)).all()


def test_judge__roots_are_those_of_its_files_and_none_is_zero(project: Project) -> None:
    judgement = play(project, 2)[-1]
    roots = judgement.roots

    check_update_file(judgement.delta, D, roots.delta)
    check_model_file(judgement.model, D, roots.model)
    named = {name: getattr(roots, name) for name in vars(roots)}
    assert named.pop("columns") == ABSENT
    assert ABSENT not in named.values()
    assert len(set(named.values())) == 6


def test_judge_again_elsewhere__gives_the_same_bytes(tmp_path: Path) -> None:
    """Recomputation from round 1 by another aggregator, in other folders, with the state from a document."""
    worlds = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        worlds.append(Project(tmp_path / name, D, 6))
    rng = [np.random.default_rng(1), np.random.default_rng(1)]
    for _ in range(4):
        one, two = (w.round(honest_updates(D, range(6), r)) for w, r in zip(worlds, rng, strict=True))
        assert one.roots == two.roots
        assert one.model.read_bytes() == two.model.read_bytes()
        worlds[1].state = read_state(state_bytes(two.state), 6)


def test_judge_by_another_poster__differs_only_in_the_sketch_tree(project: Project) -> None:
    play(project, 1)
    inputs = project.inputs(honest_updates(D, range(6), np.random.default_rng(2)))
    outs = [project.folder / name for name in ("x", "y")]
    for out in outs:
        out.mkdir()
    one = judge(inputs, outs[0])
    two = judge(replace(inputs, poster=b"q" * 20), outs[1])

    assert one.roots != two.roots
    assert replace(one.roots, sketches=two.roots.sketches) == two.roots


@pytest.mark.parametrize("seat", range(6))
def test_account_of_any_seat__is_proved_under_the_root(project: Project, seat: int) -> None:
    judgement = play(project, 1)[0]
    leaf = leaf_hash(seat, account_bytes(judgement.accounts[seat]))

    assert verify(judgement.roots.accounts, 3, seat, leaf, judgement.accounts_tree.proof(seat))


@pytest.mark.parametrize("members", [(0,), (1, 4), (0, 2, 5)])
def test_judge_few_seats__pays_and_merges(project: Project, members: tuple[int, ...]) -> None:
    judgement = play(project, 3, members)[-1]

    assert sum(judgement.coefficients.values()) > 60_000
    assert all(int(line.pay) > 0 for line in judgement.seats)
    assert [line.seat for line in judgement.seats] == list(members)


@pytest.mark.parametrize("value", [0, 1, 32767, -32768])
@pytest.mark.parametrize("n", [1, 3, 6])
def test_judge_all_equal_updates__takes_their_mean_and_pays_the_same(
    project: Project, value: int, n: int
) -> None:
    updates = {seat: np.full(D, value, np.int16) for seat in range(n)}
    project.round(updates)
    judgement = project.round(updates)

    assert {line.pay for line in judgement.seats} == {str((POT - FEE) // n)}
    delta = decode(judgement.delta.read_bytes(), D, UPDATE)
    assert set(delta.tolist()) == {(value * n * (65535 // n) + 2**15) >> 16}


def test_judge_random_signs_at_the_limits__stays_in_range(project: Project) -> None:
    rng = np.random.default_rng(0)
    for _ in range(3):
        project.round({seat: rng.choice(np.array([-32768, 32767], np.int16), D) for seat in range(6)})


def test_judge_a_seat_that_pulls_away__is_penalised_by_the_unit(project: Project) -> None:
    rng = np.random.default_rng(3)
    for _ in range(4):
        updates = honest_updates(D, range(6), rng)
        updates[5] = -updates[0]
        judgement = project.round(updates)

    assert judgement.seats[5].verdict == "malicious"
    assert judgement.accounts[5].penalty == 2 * UNIT
    assert judgement.seats[5].penalty == str(UNIT)
    assert judgement.coefficients[5] == 0


def test_judge_not_merged__keeps_the_model_root(project: Project) -> None:
    base = play(project, 1)[-1].roots.model
    judgement = project.round(honest_updates(D, range(6), np.random.default_rng(4)), merged=False)

    assert judgement.roots.model == base
    assert any(judgement.delta.read_bytes())
    assert judgement.paid > 0


def test_judge_more_than_twelve_seats__has_columns(tmp_path: Path) -> None:
    project = Project(tmp_path, 3000, 13)

    assert play(project, 1)[0].roots.columns != ABSENT


def test_judge_a_wrong_file__is_refused_with_its_code(project: Project) -> None:
    inputs = project.inputs(honest_updates(D, range(6), np.random.default_rng(5)))
    out = project.folder / "out"
    out.mkdir()
    path, data = inputs.updates[2].path, inputs.updates[2].path.read_bytes()
    for wrong, code in ((data[:-1], "E101"), (data + b"\0", "E101"), (b"\x55" + data[1:], "E110")):
        path.write_bytes(wrong)
        with pytest.raises(UpdateError, match=code):
            judge(inputs, out)
    padded = data[:-1] + b"\x01"
    path.write_bytes(padded)
    own_root = {**inputs.updates, 2: File(path, update_root(padded))}
    with pytest.raises(UpdateError, match="E111"):
        judge(replace(inputs, updates=own_root), out)


def test_judge_without_a_wrong_file__pays_the_others(project: Project) -> None:
    updates = honest_updates(D, range(6), np.random.default_rng(6))
    inputs = project.inputs(updates)
    sealed = inputs.seats.sealed
    others = Seats(sealed, [seat != 2 for seat in range(6)], inputs.seats.first)
    rest = {seat: file for seat, file in inputs.updates.items() if seat != 2}
    out = project.folder / "out"
    out.mkdir()
    judgement = judge(replace(inputs, seats=others, updates=rest), out)

    assert [line.verdict for line in judgement.seats] == ["honest", "honest", "left out", *["honest"] * 3]
    assert [int(line.pay) > 0 for line in judgement.seats] == [True, True, False, True, True, True]
    assert judgement.accounts[2].reputation == 19 * START_ACCOUNT.reputation // 20


def test_judge_a_base_that_is_not_the_model__is_refused_when_not_merged(project: Project) -> None:
    inputs = project.inputs(honest_updates(D, range(6), np.random.default_rng(7)), merged=False)
    inputs.base.path.write_bytes(encode(np.ones(D, np.int32), MODEL))
    out = project.folder / "out"
    out.mkdir()

    with pytest.raises(UpdateError, match="E110"):
        judge(inputs, out)


def test_judge_facts_that_do_not_fit__are_refused(project: Project) -> None:
    inputs = project.inputs(honest_updates(D, range(6), np.random.default_rng(8)))
    seats = inputs.seats
    wrong = [
        replace(inputs, updates={}),
        replace(inputs, accounts=inputs.accounts[:-1]),
        replace(inputs, seats=Seats([False] * 6, seats.included, seats.first)),
        replace(inputs, public={project.shape.reference - 1: inputs.updates[0]}),
        replace(inputs, public={project.shape.rows: inputs.updates[0]}),
        replace(inputs, poster=b"short"),
        replace(inputs, seed=b"short"),
    ]
    for case in wrong:
        with pytest.raises(ValueError, match=r"seats|entries|sealed|rows|bytes"):
            judge(case, project.folder)


def test_start_steps_root__depends_on_the_seats_alone() -> None:
    assert start_steps_root(Shape(1, 6)) == start_steps_root(Shape(10**6, 6)) != start_steps_root(Shape(1, 9))


@pytest.mark.parametrize(("age", "seat"), [(-1, 0), (2, 0), (0, -1), (0, 6)])
def test_past_row_out_of_range__is_refused(age: int, seat: int) -> None:
    with pytest.raises(IndexError, match="rounds back"):
        Shape(1, 6).past(age, seat)


def test_rows__follow_each_other_without_a_gap() -> None:
    shape = Shape(1, 6)
    rows = [
        *range(6),
        shape.reference,
        *(shape.delta(age) for age in range(3)),
        *(shape.past(age, seat) for age in range(2) for seat in range(6)),
    ]

    assert rows == list(range(shape.rows))
