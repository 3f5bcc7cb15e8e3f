"""Pages from the database: each number against the specification, paging within bounds, health that tells the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from market.errors import ChainError, InputError
from market.index.database import open_writer
from market.index.health import health_of
from market.index.measurements import add_measurement, record_measurement
from market.index.queries import Reader, open_reader
from market.index.run import clear_tables
from market.index.views import Measurement, Money, ResultState
from market.phases import Phase
from market.spec import State, views
from market.tokens import TokenFacts
from market.units import ZERO_ADDRESS
from tests.index.conftest import new_database, sqlite_url
from tests.index.simulator import SimChain, script
from tests.index.sync import reading, service, sync
from tests.stateful.stages import STAGES
from tests.stateful.world import someone

NUMBER = {stage: number for number, stage in enumerate(STAGES, 1)}
"""Project of each stage in `script()`."""


@dataclass
class Filled:
    """An index with one project in every stage, and what the specification says."""

    url: str
    chain: SimChain
    reader: Reader

    @property
    def state(self) -> State:
        """The market in the specification."""
        return self.chain.blocks[-1].state


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    chain = SimChain()
    chain.play(script())
    if request.param == "sqlite":
        url = sqlite_url(tmp_path_factory.mktemp("filled"))
    else:
        url = new_database(request.getfixturevalue("postgres_server"))
    sync(url, chain)
    with open_reader(url) as reader:
        yield Filled(url, chain, reader)


# ----- projects -----


def test_projects__newest_first_with_the_phase_of_the_head(filled: Filled) -> None:
    page = filled.reader.projects(limit=100)
    now = filled.reader.now()

    assert (page.total, len(page.items)) == (len(STAGES), len(STAGES))
    assert [row.number for row in page.items] == list(range(len(STAGES), 0, -1))
    for row in page.items:
        view = views.project_of(filled.state, row.number)
        head = views.round_of(filled.state, row.number, view.head, now)
        assert (row.owner, row.head, row.escrow, row.last_final) == (
            view.owner,
            view.head,
            view.escrow,
            view.last_final,
        )
        assert (row.phase, row.seal_count, row.reveal_count) == (
            head.phase if view.head else Phase.NONE,
            head.seal_count,
            head.reveal_count,
        )
        held = filled.state.projects[row.number - 1].seats.values()
        assert row.seats_held == sum(seat.signer != ZERO_ADDRESS for seat in held)
        assert row.created_at > 0
        assert len(row.created_tx) == 66


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [
        (0, 1, 1),
        (0, 0, 1),
        (0, -5, 1),
        (-3, 2, 2),
        (len(STAGES) - 1, 20, 1),
        (len(STAGES), 20, 0),
        (0, 10**9, len(STAGES)),
        (2**70, 5, 0),
    ],
)
def test_projects_any_paging__is_bounded(filled: Filled, offset: int, limit: int, expected: int) -> None:
    page = filled.reader.projects(offset, limit)

    assert len(page.items) == expected
    assert 1 <= page.limit <= 100
    assert page.offset >= 0


@pytest.mark.parametrize("stage", STAGES)
def test_project__equals_the_getters_and_balances(filled: Filled, stage: str) -> None:
    number, state = NUMBER[stage], filled.state
    page = filled.reader.project(number)

    assert page is not None
    assert page.view == views.project_of(state, number)
    assert page.params == state.projects[number - 1].params
    for row in page.rounds:
        assert row.view == views.round_of(state, number, row.number, page.now)
        assert row.result == views.result_of(state, number, row.number, page.now)
        assert row.opened_at > 0
    assert [row.number for row in page.rounds] == list(range(page.view.head, max(0, page.view.head - 20), -1))
    for seat in page.seats:
        assert seat.view == views.seat_of(state, number, seat.number)
    money = page.money
    assert money.balances
    assert money.entered == money.credited + money.inside
    assert filled.reader.money(number) == money


@pytest.mark.parametrize("number", [0, -1, len(STAGES) + 1, 2**62])
def test_pages_of_no_project__are_none_or_empty(filled: Filled, number: int) -> None:
    reader = filled.reader

    assert reader.project(number) is None
    assert reader.round(number, 1) is None
    assert reader.money(number) is None
    assert [reader.rounds(number).total, reader.results(number).total, reader.models(number).total] == [
        0,
        0,
        0,
    ]
    assert [reader.timeline(number).total, reader.updates(number, 0).total] == [0, 0]
    assert reader.measurements(number) == []


def test_money_that_does_not_balance__says_so() -> None:
    names = list(Money.__dataclass_fields__)

    assert Money(**dict.fromkeys(names, 0)).balances
    assert not Money(**{**dict.fromkeys(names, 0), "funded": 1}).balances
    assert Money(**{**dict.fromkeys(names, 0), "funded": 1, "misses_owed": 2, "stakes": 3}).balances


def test_project_due__is_what_anybody_may_call(filled: Filled) -> None:
    due = {
        stage: filled.reader.project(NUMBER[stage]).due for stage in ("void_above_cleared", "asked_and_gone")
    }  # type: ignore[union-attr]

    assert [item.call for item in due["void_above_cleared"]] == ["flatten"]


# ----- rounds and results -----


@pytest.mark.parametrize("stage", STAGES)
def test_round__has_every_seal_and_reveal(filled: Filled, stage: str) -> None:
    number, state = NUMBER[stage], filled.state
    for round_, facts in state.projects[number - 1].rounds.items():
        page = filled.reader.round(number, round_)
        assert page is not None
        assert len(page.updates) == facts.seal_count
        assert sum(bool(update.root) for update in page.updates) == facts.reveal_count
        for update in page.updates:
            slot = views.slot_of(state, number, round_, update.seat)
            assert (update.root or update.seal) == "0x" + slot.hex()
            assert update.sealed_at > 0
            assert (update.revealed_at is None) == (update.reveal_tx == "") == (update.cid == "")
        assert {"RoundOpened"} <= {event.name for event in page.timeline}


@pytest.mark.parametrize("round_", [0, -1, 3, 2**40])
def test_round_that_does_not_exist__is_none(filled: Filled, round_: int) -> None:
    assert filled.reader.round(NUMBER["standing"], round_) is None


FATES = {
    "proposed": ["standing"],
    "standing": ["standing"],
    "final": ["final", "final"],
    "cleared": ["displaced", "convicted"],
    "not_merged": ["displaced", "standing", "convicted"],
    "clearable": ["convicted", "standing"],
    "silent": ["convicted"],
    "asked_and_gone": ["standing", "replaced"],
}


@pytest.mark.parametrize("stage", FATES)
def test_results__tell_what_became_of_each(filled: Filled, stage: str) -> None:
    found = filled.reader.results(NUMBER[stage]).items

    assert [row.state.value for row in found] == FATES[stage]
    for row in found:
        counts = row.state in (ResultState.PROPOSED, ResultState.STANDING)
        assert (row.final_from is not None) == counts
        assert (row.ended_at is not None) == (row.state.value in ("replaced", "convicted", "cleared"))


def test_results_asked_about__are_final_later(filled: Filled) -> None:
    windows = filled.state.projects[0].params.windows
    asked = filled.reader.results(NUMBER["answered"]).items[0]
    plain = filled.reader.results(NUMBER["standing"]).items[0]

    assert asked.final_from == asked.stands_at + windows.challenge + windows.answer + windows.refute
    assert plain.final_from == plain.stands_at + windows.challenge


def test_rounds__are_paged_newest_first(filled: Filled) -> None:
    number = NUMBER["absent"]
    head = filled.state.projects[number - 1].head
    pages = [filled.reader.rounds(number, offset, 5) for offset in range(0, head, 5)]

    assert [row.number for page in pages for row in page.items] == list(range(head, 0, -1))
    assert {page.total for page in pages} == {head}


def test_models__end_with_the_first_one(filled: Filled) -> None:
    number = NUMBER["final"]
    rows = filled.reader.models(number).items
    results = filled.state.projects[number - 1].results

    assert [row.round for row in rows] == [2, 1, 0]
    assert [row.root for row in rows] == ["0x" + results[n].model_root.hex() for n in (2, 1, 0)]
    assert all(row.stands for row in rows)


def test_timeline__is_every_event_but_seals_and_reveals(filled: Filled) -> None:
    number = NUMBER["final"]
    page = filled.reader.timeline(number, limit=100)
    logs = [
        log
        for block in filled.chain.blocks
        for log in block.logs
        if log.topics[1:2] == (number.to_bytes(32, "big"),)
    ]
    names = {row.name for row in page.items}

    assert page.total == len(page.items)
    assert not names & {"Sealed", "Revealed"}
    assert len(logs) == page.total + 12  # three seats sealed and revealed in two rounds
    assert page.items[-1].name == "ProjectCreated"
    assert page.items[-1].args["owner"] == filled.state.projects[number - 1].owner


# ----- people -----


def test_updates_of_a_seat__newest_round_first(filled: Filled) -> None:
    rows = filled.reader.updates(NUMBER["final"], 1).items

    assert [row.round for row in rows] == [2, 1]
    assert [row.included for row in rows] == [True, True]


def test_trainer__has_its_seats_rounds_pay_and_credits(filled: Filled) -> None:
    address = someone(1)
    page = filled.reader.trainer(address)

    assert page is not None
    assert len(page.tenures) == len(STAGES)
    assert page.rounds.total == sum(
        1 for project in filled.state.projects for facts in project.rounds.values() if 0 in facts.slots
    )
    left = [row for row in page.tenures if row.left_at is not None]
    assert {row.project for row in left} == {NUMBER["over"], NUMBER["refunded"]}
    ((token, claimed),) = page.claimed
    assert (token, claimed > 0) == (TokenFacts(), True)
    owed = {(credit.account, credit.token.address): credit.amount for credit in page.credits}
    assert all(filled.state.credits[token, account] == amount for (account, token), amount in owed.items())


@pytest.mark.parametrize(
    "address", ["", "0x", ZERO_ADDRESS, someone(99), "'; DROP TABLE tenures; --", "x" * 5_000]
)
def test_trainer_that_never_held_a_seat__is_none(filled: Filled, address: str) -> None:
    assert filled.reader.trainer(address) is None


def test_watch__open_results_asks_and_convictions(filled: Filled) -> None:
    page = filled.reader.watch()

    assert [row.final_from for row in page.open.items] == sorted(
        row.final_from or 0 for row in page.open.items
    )
    assert {row.state for row in page.open.items} <= {ResultState.PROPOSED, ResultState.STANDING}
    assert len(page.open.items) == page.open.total > 1
    each = [filled.reader.watch(n, 1).open.items[0].commitment for n in range(page.open.total)]
    assert sorted(each) == sorted(row.commitment for row in page.open.items)
    assert {ask.project for ask in page.asks} == {NUMBER["asked"]}
    assert [(ask.tree, ask.level, ask.index, ask.state) for ask in page.asks] == [
        ("Accounts", 1, 1, "open"),
        ("Steps", 0, 0, "open"),
    ]
    assert page.convictions.total == len(page.convictions.items) > 5
    causes = {row.project: row.cause for row in page.convictions.items}
    assert causes[NUMBER["silent"]].endswith("without an answer")
    assert not page.other


def test_round_asks__say_how_they_ended(filled: Filled) -> None:
    ends = {
        stage: [ask.state for ask in filled.reader.round(NUMBER[stage], 1).asks]  # type: ignore[union-attr]
        for stage in ("answered", "silent", "asked_and_gone", "asked")
    }

    assert ends == {
        "answered": ["answered"],
        "silent": ["answered", "settled"],
        "asked_and_gone": ["settled"],
        "asked": ["open", "open"],
    }


# ----- health -----


def test_health_before_anything__is_empty_and_stale(database: str) -> None:
    with service(database, SimChain()):
        pass

    with open_reader(database) as reader:
        health = reader.health()
        assert (health.state, health.stale, health.block) == ("empty", True, 0)
        assert reader.projects().total == 0
        assert reader.watch().open.total == 0


@pytest.mark.parametrize(("later", "stale"), [(59, False), (60, False), (61, True)])
def test_health_no_news__is_stale_after_the_limit(filled: Filled, later: int, stale: bool) -> None:
    with reading(filled.url) as connection:
        looked = health_of(connection, 60, wall=0).lag_s
        assert looked == 0
        at = _looked_at(filled.url)

        assert health_of(connection, 60, wall=at + later).stale is stale
        assert health_of(connection, 60, wall=at + later).now == filled.chain.now() + later


def _looked_at(url: str) -> int:
    from sqlalchemy import text

    with reading(url) as connection:
        return int(connection.execute(text("SELECT looked_at FROM status")).scalar() or 0)


def test_version__changes_with_every_block(sqlite: str) -> None:
    chain = SimChain()
    chain.play(script("standing"))
    with service(sqlite, chain) as running:
        running.catch_up()
        with open_reader(sqlite) as reader:
            before = reader.version()
            assert reader.version() == before
            chain.mine()
            running.catch_up()

            assert reader.version() != before


# ----- measurements -----


def test_measurements__are_kept_replaced_and_survive_a_rebuild(database: str) -> None:
    chain = SimChain()
    chain.play(script("final"))
    sync(database, chain)
    record_measurement(database, Measurement(1, 0, 0, 1, 1_000))
    record_measurement(database, Measurement(1, 2, 930_000, 500, 1_001))
    record_measurement(database, Measurement(1, 2, 940_000, 500, 1_002))
    with service(database, chain) as running:
        clear_tables(running.engine, chain.deployment)
        running.start()
        running.catch_up()

    with open_reader(database) as reader:
        assert [m.accuracy_ppm for m in reader.measurements(1)] == [0, 940_000]
        assert reader.project(1).measurements == reader.measurements(1)  # type: ignore[union-attr]


@pytest.mark.parametrize(("ppm", "possible"), [(-1, False), (0, True), (1_000_000, True), (1_000_001, False)])
def test_add_measurement_at_the_limits__kept_or_refused(sqlite: str, ppm: int, possible: bool) -> None:
    if possible:
        record_measurement(sqlite, Measurement(1, 1, ppm, 1, 0))
    else:
        with pytest.raises(InputError, match="E107 accuracy"):
            record_measurement(sqlite, Measurement(1, 1, ppm, 1, 0))


@pytest.mark.parametrize(("project", "round_", "samples"), [(0, 1, 1), (1, -1, 1), (1, 1, 0)])
def test_add_measurement_of_nothing__refused(tmp_path: Path, project: int, round_: int, samples: int) -> None:
    engine = open_writer(sqlite_url(tmp_path))
    with pytest.raises(InputError, match="E107"):
        add_measurement(engine, Measurement(project, round_, 1, samples, 0))
    engine.dispose()


def test_reader_after_close_of_the_database__refuses(sqlite: str) -> None:
    chain = SimChain()
    chain.play(script("fresh"))
    sync(sqlite, chain)
    reader = open_reader(sqlite)
    reader.close()
    Path(sqlite.removeprefix("sqlite:///")).write_bytes(b"gone, and long enough to be taken for a database")

    with pytest.raises(ChainError, match="E208 the index database does not answer"):
        reader.projects()
