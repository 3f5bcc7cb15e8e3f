"""What is published, fetched and checked: only what the chain committed to is shown as such."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from market.index.documents import Documents, storable
from market.index.queries import open_reader
from market.index.views import Document
from market.result_document import ResultDocument
from market.store.folder import FolderStore
from tests.index.published import Published, Tamper
from tests.index.sync import dumped, fresh, service, steps, sync


def test_documents_honest__are_checked_and_shown(database: str, tmp_path: Path) -> None:
    made = Published(tmp_path).start()
    made.to_standing(final=True)
    made.to_standing()
    chain = made.mine()

    sync(database, chain, made.store)

    with open_reader(database) as reader:
        page, first = reader.project(1), reader.round(1, 1)
        assert page is not None
        assert first is not None
        update = first.updates[1]
        assert [result.document for result in first.results] == [Document.CHECKED]
        assert (update.verdict, update.weight, update.agreement) == ("honest", 20_001, -(2**70))
        assert (update.score, update.pay, update.account_pay) == (10**30, 3166, 3166)
        assert update.reason == "agrees with the others, round 1"
        assert page.rounds[1].mean_agreement == (200 - 2**70) // 3
        assert [(seat.reputation, seat.earned) for seat in page.seats] == [(8192, 6332)] * 3
        assert (page.title, page.description_problem) == ("A test of the index", "")
        assert page.description is not None
        assert page.description["name"] == "index-test"
        assert reader.health().pending_documents == 0
    assert dumped(database) == fresh(tmp_path, chain, made.store)


def test_documents_nobody_serves__stay_pending_until_somebody_does(sqlite: str, tmp_path: Path) -> None:
    made = Published(tmp_path).start()
    made.to_standing()
    chain, empty = made.mine(), FolderStore(tmp_path / "empty")
    with service(sqlite, chain, empty) as running:
        running.catch_up()
        with open_reader(sqlite) as reader:
            assert reader.health().pending_documents == 2
            assert reader.round(1, 1).updates[0].weight is None  # type: ignore[union-attr]
            assert reader.project(1).seats[0].earned is None  # type: ignore[union-attr]
        assert running.documents is not None
        running.documents.close()
        running.documents = Documents(running.engine, made.store)
        running.catch_up()

    with open_reader(sqlite) as reader:
        assert reader.round(1, 1).updates[0].weight == 20_000  # type: ignore[union-attr]


def test_documents_not_available__are_tried_later_and_later(sqlite: str, tmp_path: Path) -> None:
    made, now = Published(tmp_path).start(), [0.0]
    made.to_standing()
    with service(sqlite, made.mine()) as running:
        steps(running)
        documents = Documents(running.engine, FolderStore(tmp_path / "empty"), clock=lambda: now[0])
        tried = []
        for second in range(31):
            now[0] = float(second)
            if documents.start():
                tried.append(second)
            documents.collect(wait=True)
        documents.close()

    assert tried == [0, 2, 6, 14, 30]


def changed(**values: object) -> Tamper:
    """Another value of a field."""
    return lambda document: document.model_copy(update=values).to_bytes()


def other_accounts(document: ResultDocument) -> bytes:
    accounts = [document.accounts[0].model_copy(update={"pay": "1"}), *document.accounts[1:]]
    return document.model_copy(update={"accounts": tuple(accounts)}).to_bytes()


def of_seat(**values: object) -> Tamper:
    def tamper(document: ResultDocument) -> bytes:
        first = document.seats[0].model_copy(update=values)
        return document.model_copy(update={"seats": (first, *document.seats[1:])}).to_bytes()

    return tamper


WRONG: dict[str, tuple[Tamper, str]] = {
    "other accounts": (other_accounts, "E113 accounts: document has root"),
    "too few accounts": (
        lambda d: d.model_copy(update={"accounts": d.accounts[:1]}).to_bytes(),
        "E113 accounts: got 1",
    ),
    "another project": (changed(project=2), "E113 result document: is about (2, 1,"),
    "another round": (changed(round=7), "E113 result document: is about (1, 7,"),
    "another sum": (changed(paid="1"), "E113 result document: is about (1, 1,"),
    "no JSON": (lambda d: b"\x80\x04pickle", "E185"),
    "not a document": (lambda d: b'{"version": 1}', "E185"),
    "a seat twice": (of_seat(seat=1), "E113 result document: seats [1, 1, 2]"),
    "a seat that is none": (of_seat(seat=4), "E113 result document: seats [4, 1, 2]"),
    "more pay than posted": (of_seat(pay="9500"), "E113 result document: seats are paid"),
    "a number without end": (of_seat(novelty=1 << 255), "E113 result document: a figure of 2^255"),
}


@pytest.mark.parametrize("case", WRONG)
def test_documents_other_than_committed__are_marked_wrong(sqlite: str, tmp_path: Path, case: str) -> None:
    tamper, problem = WRONG[case]
    made = Published(tmp_path).start()
    made.to_standing(tamper)

    sync(sqlite, made.mine(), made.store)

    with open_reader(sqlite) as reader:
        page = reader.round(1, 1)
        assert page is not None
        assert page.results[0].document is Document.WRONG
        assert page.results[0].problem.startswith(problem)
        assert [update.verdict for update in page.updates] == [""] * 3


@pytest.mark.parametrize(
    ("figure", "state"), [((1 << 255) - 1, Document.CHECKED), (1 << 255, Document.WRONG)]
)
def test_documents_figure_at_the_limit__is_kept_or_wrong(
    database: str, tmp_path: Path, figure: int, state: Document
) -> None:
    made = Published(tmp_path).start()
    made.to_standing(of_seat(novelty=figure))

    sync(database, made.mine(), made.store)

    with open_reader(database) as reader:
        assert reader.results(1).items[0].document is state


@pytest.mark.parametrize(
    "reason", ["zero \x00 in it", "<script>alert(1)</script>", "\u202egnp.exe", "'; DROP TABLE seats--"]
)
def test_documents_hostile_words__are_kept_as_text(database: str, tmp_path: Path, reason: str) -> None:
    made = Published(tmp_path).start()
    made.to_standing(of_seat(reason=reason))

    sync(database, made.mine(), made.store)

    with open_reader(database) as reader:
        assert reader.round(1, 1).updates[0].reason == reason.replace("\x00", "\ufffd")  # type: ignore[union-attr]


@pytest.mark.parametrize(("text", "stored"), [("a\ud800b", "a?b"), ("\x00", "\ufffd"), ("ü€😀", "ü€😀")])
def test_storable__leaves_only_what_databases_take(text: str, stored: str) -> None:
    assert storable(text) == stored


def test_description_that_is_none__is_marked_wrong(sqlite: str, tmp_path: Path) -> None:
    made = Published(tmp_path, description=b"{}").start()

    sync(sqlite, made.mine(), made.store)

    with open_reader(sqlite) as reader:
        page = reader.project(1)
        assert page is not None
        assert (page.description, page.title) == (None, "")
        assert page.description_problem.startswith("E180")
        assert reader.health().pending_documents == 0


def test_description_of_another_model__is_marked_wrong(sqlite: str, tmp_path: Path) -> None:
    made = Published(tmp_path)
    world = made.world
    made.start()
    params = replace(world.params, coefficients=world.params.coefficients + 1)
    world.call("create", params, world.project.content)

    sync(sqlite, made.mine(), made.store)

    with open_reader(sqlite) as reader:
        assert reader.project(1).title == "A test of the index"  # type: ignore[union-attr]
        assert reader.project(2).description_problem.startswith("E184")  # type: ignore[union-attr]


def test_documents_result_taken_back_meanwhile__nothing_is_written(sqlite: str, tmp_path: Path) -> None:
    made = Published(tmp_path).start()
    made.to_standing()
    chain = made.mine()
    with service(sqlite, chain, made.store) as running:
        while running.indexer.step().value != "idle":
            pass
        assert running.documents is not None
        assert running.documents.start() == 2
        chain.reorganise(len(chain.blocks) - 1, keep=0.0)
        while running.indexer.step().value != "idle":
            pass

        running.documents.collect(wait=True)

        ours = dumped(sqlite)
    assert b"result_seats" not in ours


def test_documents_after_a_reorganisation__are_fetched_again(sqlite: str, tmp_path: Path) -> None:
    made = Published(tmp_path).start()
    made.to_standing(final=True)
    made.to_standing()
    chain = made.mine()
    with service(sqlite, chain, made.store) as running:
        running.catch_up()
        chain.reorganise(9)

        running.catch_up()

    assert dumped(sqlite) == fresh(tmp_path, chain, made.store)
