"""Typed values as text and back, exactly; records of the specification as rows and back."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.index.columns import table_of
from market.index.mirror import MIRRORS, NESTED, ROUNDS, rows_of
from market.index.movements import CREDITED, ENTERED, OF_ASKS, WITHDRAWN, movements
from market.index.plain import from_text, to_plain, to_text
from market.index.schema import TABLES, EventRow
from market.params import MINIMAL, Params, Windows
from market.phases import Phase
from market.spec.state import Round, Seat, Tenure
from tests.index.simulator import SimChain, script


@dataclass
class Part:
    """A record in a record."""

    number: int
    word: bytes


@dataclass
class Whole:
    """Every kind of field."""

    text: str
    flag: bool
    big: int
    word: bytes
    part: Part
    maybe: Part | None
    phase: Phase
    many: list[Part]
    pair: tuple[int, str]
    row: tuple[int, ...]
    members: set[int]
    frozen: frozenset[int]
    by_place: dict[tuple[int, str], int]
    later: int = 7


parts = st.builds(Part, st.integers(), st.binary())
wholes = st.builds(
    Whole,
    text=st.text(),
    flag=st.booleans(),
    big=st.integers(-(2**300), 2**300),
    word=st.binary(),
    part=parts,
    maybe=st.none() | parts,
    phase=st.sampled_from(Phase),
    many=st.lists(parts, max_size=3),
    pair=st.tuples(st.integers(), st.text()),
    row=st.lists(st.integers(), max_size=3).map(tuple),
    members=st.sets(st.integers(), max_size=4),
    frozen=st.frozensets(st.integers(), max_size=4),
    by_place=st.dictionaries(st.tuples(st.integers(), st.text()), st.integers(), max_size=3),
    later=st.integers(),
)


@given(wholes)
def test_to_text__comes_back_equal(value: Whole) -> None:
    assert from_text(Whole, to_text(value)) == value


@given(wholes)
def test_to_text__is_canonical(value: Whole) -> None:
    again = from_text(Whole, to_text(value))

    assert to_text(again) == to_text(value)
    assert " " not in to_text(dataclasses.replace(value, text="", pair=(0, ""), by_place={}))


def test_from_text_missing_field__keeps_its_default() -> None:
    params = MINIMAL.project(1, 2)
    text = json.loads(to_text(params))
    assert from_text(Params, json.dumps(text)) == params
    assert from_text(Windows, to_text(params.windows)) == params.windows
    assert from_text(Seat, '{"stake": 3, "unheard_of": 1}') == Seat(stake=3)


@pytest.mark.parametrize("value", [1.0, {"a": 0.5}, [object()], complex(1), b"".__class__])
def test_to_plain_without_exact_form__refused(value: object) -> None:
    with pytest.raises(TypeError, match="no exact form"):
        to_plain(value)


# ----- mirrors -----


@pytest.mark.parametrize("mirror", MIRRORS, ids=lambda mirror: mirror.table.name)
def test_mirror__has_a_place_for_every_field(mirror: object) -> None:
    row = dict.fromkeys(f.name for f in dataclasses.fields(mirror.cls))  # type: ignore[attr-defined]

    assert set(mirror.fields) == set(row) - NESTED  # type: ignore[attr-defined]
    columns = set(mirror.table.columns.keys()) - set(mirror.keys) - {"rest"}  # type: ignore[attr-defined]
    assert columns <= set(row), "a column that no field fills"


def test_mirror_field_without_column__is_kept_in_rest() -> None:
    facts = Round(3, b"\1" * 32, 5, 1, 2, 0, flat_taken={2, 1}, reference=b"\2" * 32)
    row = ROUNDS.row((9, 3), facts)

    assert row["rest"] == {"flat_taken": [1, 2], "reference": "0x" + "02" * 32}
    assert ROUNDS.record(row, slots={}) == facts


def test_rows_of_every_project__come_back_equal() -> None:
    made = SimChain()
    made.play(script())
    for number, project in enumerate(made.blocks[-1].state.projects, 1):
        for mirror, _, row in rows_of(number, project):
            nested = {name: {} for name in NESTED if name in {f.name for f in dataclasses.fields(mirror.cls)}}
            record = mirror.record(row, **nested)
            assert mirror.row(tuple(row[name] for name in mirror.keys), record) == row


def test_seat_with_tenures__comes_back_equal() -> None:
    seat = Seat(stake=1, tenures=[Tenure("0x1", 1, 2), Tenure("0x2", 3, 4)])

    assert from_text(Seat, to_text(seat)) == seat


# ----- tables and movements -----


def test_tables__no_column_is_a_float() -> None:
    kinds = {str(column.type) for table in TABLES.values() for column in table.columns}

    assert kinds == {"BIGINT", "TEXT", "BLOB", "BOOLEAN"}
    assert table_of(EventRow).name == "events"


def test_movements__have_a_known_kind_each() -> None:
    """Whatever moves in all stages is entered, credited, withdrawn, or the price of an ask."""
    made, kinds = SimChain(), set[str]()
    made.play(script())
    from market.index.logs import read_log

    for block in made.blocks:
        for log in block.logs:
            event = read_log(log).event
            assert event is not None
            kinds |= {moved.kind for moved in movements(event)}

    assert kinds <= {*ENTERED, *CREDITED, *OF_ASKS, WITHDRAWN}
    assert kinds >= {
        "funded",
        "stake",
        "bond",
        "pay",
        "fee",
        "stake_back",
        "refuter_reward",
        "refunded",
        "ask",
        "answer",
    }
