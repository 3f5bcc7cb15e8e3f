"""From the index's answers to what pages say: timeline, money, reasons, charts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.index import views as v
from market.phases import Phase
from tests.webapp.conftest import DEPLOYMENT
from webapp.build.hero import hero_of
from webapp.build.money import HELP, equation_of
from webapp.build.pages import project_detail, round_detail
from webapp.build.rows import DUE_TEXT, reference_line, status_of
from webapp.build.torch_code import torch_lines
from webapp.build.why import NOVELTY_ONE, REASONS, advise, explain
from webapp.charts import MAX_BARS, Value, bar_chart, line_chart
from webapp.samples import (
    DESCRIPTION,
    NOW,
    PARAMS,
    PHASES,
    health,
    money,
    project_page,
    reference_row,
    round_page,
    round_row,
    update_row,
)
from webapp.settings import Settings

STATUS = status_of(health(), Settings(DEPLOYMENT, ""), "1")


@pytest.mark.parametrize("case", PHASES, ids=str)
def test_hero_in_every_phase__one_step_is_now_and_steps_before_are_done(case: tuple[Phase, int, int]) -> None:
    hero = hero_of(round_row(3, *case), PARAMS, "running")
    places = [step.place for step in hero.steps]

    assert places.count("now") == 1
    assert places[: places.index("now")] == ["done"] * places.index("now")
    assert "done" not in places[places.index("now") :]
    assert hero.headline
    assert hero.sentence


def test_hero_of_every_phase_of_the_protocol__has_words() -> None:
    for phase in Phase:
        assert hero_of(round_row(3, phase), PARAMS, "over").headline


@pytest.mark.parametrize(("seals", "said"), [(3, "below 4 the round is void"), (4, "is met"), (5, "is met")])
def test_progress_at_the_minimum_of_seals__says_whether_the_round_lives(seals: int, said: str) -> None:
    progress = hero_of(round_row(3, Phase.COMMIT, seals, 0), PARAMS, "running").progress

    assert progress is not None
    assert said in progress.sentence
    assert progress.least == 4


@pytest.mark.parametrize(
    ("reveals", "said"), [(4, "the network is blamed"), (5, "lost one unit"), (6, "lost one unit")]
)
def test_progress_at_half_of_the_reveals__says_who_pays(reveals: int, said: str) -> None:
    progress = hero_of(round_row(3, Phase.AGGREGATE, 10, reveals), PARAMS, "running").progress

    assert progress is not None
    assert said in progress.sentence


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_hero_before_the_first_round__says_what_is_missing(state: str) -> None:
    hero = hero_of(None, PARAMS, state, due_open=False)

    assert hero.round == 0
    assert ("pot" in hero.sentence) == (state == "running")
    assert "now" in hero_of(None, PARAMS, "running", due_open=True).sentence


UNITS = st.integers(0, 2**96 - 1)
CREDITED = ("pay", "flat_pay", "fees", "stakes_back", "bonds_back", "refuter_rewards", "refunded", "burned")


@given(
    st.fixed_dictionaries(dict.fromkeys((*CREDITED, "other_credited"), UNITS)),
    st.fixed_dictionaries(
        dict.fromkeys(("escrow", "reserved", "flat_open", "bucket", "penalty_pool", "stakes", "bonds"), UNITS)
    ),
    UNITS,
    UNITS,
    st.booleans(),
)
def test_equation_of_any_books_that_balance__balances(
    credited: dict[str, int], inside: dict[str, int], stakes_in: int, bonds_in: int, over: bool
) -> None:
    total = sum(credited.values()) + sum(inside.values())
    books = v.Money(
        **credited,
        **inside,
        misses_owed=0,
        stakes_in=stakes_in,
        bonds_in=bonds_in,
        funded=total - stakes_in - bonds_in,
    )

    equation = equation_of(books, 0, over)

    assert equation.balances
    assert equation.entered == sum(part.amount for part in equation.parts)


@pytest.mark.parametrize("name", [name for name in HELP if name != "funded"])
def test_equation_with_one_unit_too_many__does_not_balance(name: str) -> None:
    books = money()

    assert equation_of(books, 11, False).balances
    assert not equation_of(replace(books, **{name: getattr(books, name) + 1}), 11, False).balances


def test_equation_of_misses__counts_owed_units_once() -> None:
    books = money()
    owed = replace(books, misses_owed=PARAMS.unit, reserved=books.reserved + PARAMS.unit)

    assert equation_of(owed, 11, False).balances


@pytest.mark.parametrize(("seats", "over", "dust"), [(1, True, 0), (0, False, 0), (0, True, 7)])
def test_dust__is_what_nobody_can_claim_any_more(seats: int, over: bool, dust: int) -> None:
    books = money(bucket=7, pay=money().pay + money().bucket - 7)

    parts = {part.name: part.amount for part in equation_of(books, seats, over).parts}

    assert parts["dust"] == dust


# ----- why was I paid this? -----


def row(**changes: object) -> v.UpdateRow:
    return replace(update_row(0), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Paid for agreement"),
        ({"phase": Phase.VOID}, "void"),
        ({"revealed_at": None, "phase": Phase.COMMIT}, "once it is revealed"),
        ({"revealed_at": None, "phase": Phase.STANDING}, "never revealed"),
        ({"phase": Phase.FLAT}, "same share"),
        ({"included": None}, "not posted yet"),
        ({"included": False}, "left this update out"),
        ({"document": v.Document.PENDING}, "not been served"),
        ({"document": v.Document.WRONG}, "not what it committed to"),
        ({"verdict": "malicious", "reason": "pulled against"}, "costs a unit"),
        ({"pay": 0}, "share of the pot is zero"),
        *[({"reason": reason, "pay": 0}, text) for reason, (text, _) in REASONS.items()],
    ],
)
def test_explain__says_what_happened(changes: dict[str, object], said: str) -> None:
    assert said in explain(row(**changes))[0]


@pytest.mark.parametrize(
    ("novelty", "hint"),
    [(NOVELTY_ONE // 4 - 1, True), (NOVELTY_ONE // 4, False), (NOVELTY_ONE // 4 + 1, False)],
)
def test_explain_little_novelty__hints(novelty: int, hint: bool) -> None:
    assert any("new" in text for text in explain(row(novelty=novelty))[1]) == hint


def test_reasons__are_those_that_the_aggregator_writes() -> None:
    """Texts of a poster; a new one is shown as it is, but ours should have advice."""
    from market.index.views import __file__ as here

    source = (__import__("pathlib").Path(here).parents[2] / "aggregator" / "verdicts.py").read_text()

    for reason in REASONS:
        assert f'"{reason}"' in source


def test_advise__most_frequent_first() -> None:
    rows = [row(included=False), row(reason="zero update"), row(included=False)]

    assert advise(rows)[0].endswith("(2 of 3 rounds)")
    assert advise([]) == []


# ----- charts -----


@given(st.lists(st.floats(-1e9, 1e9, allow_nan=False), min_size=1, max_size=120))
def test_line_chart_of_any_values__stays_inside_its_frame(values: list[float]) -> None:
    chart = line_chart("c", "t", "u", [Value(n, y, str(y)) for n, y in enumerate(values, 1)])

    assert len(chart.points) == len(values)
    assert all(-0.5 <= point.y <= 220.5 and 51 <= point.x <= 627 for point in chart.points)
    assert all(-0.5 <= tick.at <= 220.5 for tick in chart.y_ticks)
    assert len(chart.x_ticks) <= 12
    assert len(chart.y_ticks) <= 12


def test_line_chart_threshold__is_in_the_picture() -> None:
    chart = line_chart("c", "t", "u", [Value(1, 0.5, "x")], threshold=(9.0, "goal"))

    assert chart.threshold is not None
    assert 0 <= chart.threshold.at <= 220


@pytest.mark.parametrize("count", [MAX_BARS - 1, MAX_BARS, MAX_BARS + 1])
def test_bar_chart_at_its_width__says_when_it_leaves_out(count: int) -> None:
    chart = bar_chart("c", "t", "u", [Value(n, 1.0, "1") for n in range(count)])

    assert len(chart.points) == min(count, MAX_BARS)
    assert ("are drawn" in chart.summary) == (count > MAX_BARS)


@pytest.mark.parametrize("values", [[], [Value(0, 0.0, "0")]])
def test_bar_chart_of_nothing__says_so(values: list[Value]) -> None:
    assert bar_chart("c", "t", "u", values, empty="nothing").empty == "nothing"


# ----- the rest -----


def test_project_detail_pay_chart__is_what_the_table_says() -> None:
    page = project_detail(STATUS, project_page(), None)

    assert [point.text for point in page.pay.points] == [
        f"{page.coin.exact(seat.earned or 0)} ETH" for seat in page.seats
    ]


@pytest.mark.parametrize("state", ["running", "stopped", "over", "refunded"])
def test_project_detail_refund__offered_only_when_it_can_succeed(state: str) -> None:
    page = project_page(state)
    done = replace(page, view=replace(page.view, open_count=0))

    assert not project_detail(STATUS, page, None).refundable_now
    assert project_detail(STATUS, done, None).refundable_now == (state in ("stopped", "over"))


def test_due_texts__cover_what_the_index_names() -> None:
    from market.duties import Duty

    assert Duty is not None
    assert {"open", "finalise", "flatten", "voidRound", "clear", "release", "skip"} <= DUE_TEXT.keys()


def test_torch_lines_of_a_cnn__are_the_layers_of_the_trainer() -> None:
    cnn = {"kind": "cnn", "channels": [4], "hidden": 8}
    data = {"shape": [1, 8, 8], "labels": ["0", "1"], "subtract": "0", "divide_by": "1"}

    code = torch_lines({**DESCRIPTION, "model": cnn, "data": data})[1]

    assert "nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 8)" in code
    assert torch_lines(None) == []


def test_torch_lines__load_what_the_command_writes(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import json
    from pathlib import Path

    import numpy as np
    import torch

    from market.cli.project.model import npz
    from market.codec import MODEL, encode
    from market.description import parse
    from market.initial import initial_model

    made = parse(json.dumps(DESCRIPTION).encode())
    model = initial_model(made)
    assert isinstance(tmp_path, Path)
    (tmp_path / "model.npz").write_bytes(npz(encode(model, MODEL), made))
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}

    exec("\n".join(torch_lines(DESCRIPTION)), scope)

    net = scope["net"]
    assert isinstance(net, torch.nn.Module)
    flat = torch.cat([one.detach().flatten() for one in net.parameters()]).numpy()
    assert np.array_equal(flat, model[: made.d].astype(np.float32) * np.float32(2.0**-made.lsb_exponent))
    assert NOW


# ----- the owner's reference -----


@pytest.mark.parametrize(
    ("phase", "changes", "state", "said"),
    [
        (Phase.COMMIT, {"sealed_at": None, "revealed_at": None}, "waiting", "once a trainer has sealed"),
        (Phase.COMMIT, {"revealed_at": None}, "sealed", "once it is revealed"),
        (Phase.REVEAL, {"revealed_at": None}, "sealed", "once it is revealed"),
        (Phase.REVEAL, {"sealed_at": None, "revealed_at": None}, "absent", "sealed no reference"),
        (Phase.AGGREGATE, {"revealed_at": None}, "sealed", "never revealed"),
        (Phase.AGGREGATE, {"included": None}, "revealed", "not posted yet"),
        (Phase.PROPOSED, {"included": False}, "revealed", "leaves it out"),
        (Phase.FINAL, {"included": True}, "revealed", "steers weights, and no pay"),
    ],
)
def test_reference_line__says_where_it_is_and_what_it_does(
    phase: Phase, changes: dict[str, object], state: str, said: str
) -> None:
    line = reference_line(replace(reference_row(Phase.STANDING), **changes), phase)  # type: ignore[arg-type]

    assert (line.state, said in line.why) == (state, True)


@pytest.mark.parametrize("awaited", [True, False])
def test_hero_in_commit__says_whether_the_reference_is_waited_for(awaited: bool) -> None:
    row = round_row(3, Phase.COMMIT)
    row = replace(row, view=replace(row.view, reference_awaited=awaited))

    assert ("the owner's reference" in hero_of(row, PARAMS, "running").sentence) is awaited


def test_round_of_a_project_without_a_reference__has_no_line() -> None:
    page = replace(round_page(), reference=None)

    assert round_detail(STATUS, page, "running", 6).reference is None
