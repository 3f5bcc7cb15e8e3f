"""What a ledger refuses before it computes anything: bitmaps that name what does not exist, results of nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_ledger import (
    MODEL_FILE,
    PARAMS,
    PLACE,
    POSTER,
    SEATS,
    START,
    UPDATE_FILE,
    D,
    result_of,
    revealed,
    sealed_round,
)

from aggregator.files import Files
from aggregator.ledger import Choice, Ledger, choice_of, shape_of
from aggregator.shards import Sharded
from market.cid import digest
from market.codec import update_root
from market.errors import ChainError, InputError, UnavailableError, UpdateError, VerificationError
from market.events import (
    ResultPosted,
)
from market.history import History, Reveal
from market.params import Params
from market.records import Post, Roots
from market.store.folder import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def history(store: FolderStore) -> History:
    """Round 1: seats 0 and 1 have revealed, 2 has only sealed."""
    made = sealed_round(store, 3)
    made.apply([revealed(store, seat) for seat in range(2)])
    return made


def posted(included: int = 3, rows: tuple[int, int, int] = (0, 0, 0), prev: bytes = START) -> ResultPosted:
    """A result of round 1 with these bitmaps; its commitment is right, whatever it says."""
    post = Post(
        prev, 5, 2, 9, *[b"\x02" * 32] * 3, roots=Roots(*[b"\x03" * 32] * 7), included=(included,), rows=rows
    )
    return result_of(post)


def test_choice_of__bitmaps_taken_apart() -> None:
    assert choice_of(posted(5, (3, 1, 10))) == Choice(
        frozenset({0, 2}), frozenset({0, 1}), frozenset({(0, 0), (1, 1), (1, 3)})
    )
    assert choice_of(posted(5, (3, 1, 10))).size() == (2, 5)


@pytest.mark.parametrize(
    ("lie", "where"),
    [
        (posted(included=7), "round 1: seat 2: posted included, computed not revealed"),
        (posted(included=8), "round 1: seat 3: posted included"),
        (posted(rows=(0, 1, 0)), "round 1: file of seat 0, round 0: posted served, computed not revealed"),
        (posted(rows=(0, 0, 2)), "round 1: file of seat 1, round -1"),
        (posted(rows=(1, 0, 0)), "round 1: deltas"),
        (replace(posted(), commitment=b"\x09" * 32), "round 1: commitment"),
    ],
)
def test_verify_what_does_not_exist__named(
    history: History, store: FolderStore, tmp_path: Path, lie: ResultPosted, where: str
) -> None:
    ledger = Ledger(history, store, PLACE, tmp_path / "ledger")

    with pytest.raises(VerificationError, match=f"E301 {where}"):
        ledger.verify(lie)


def test_below_the_start__first_model_and_start_accounts(
    history: History, store: FolderStore, tmp_path: Path
) -> None:
    below = Ledger(history, store, PLACE, tmp_path / "ledger").below(START)

    assert below.model.path.read_bytes() == MODEL_FILE
    assert (len(below.accounts), list(below.deltas)) == (SEATS, [])


def test_below_a_result_that_no_event_made__refused_and_not_taken_for_the_start(
    history: History, store: FolderStore, tmp_path: Path
) -> None:
    ledger = Ledger(history, store, PLACE, tmp_path / "ledger")

    with pytest.raises(ChainError, match="E208 no event read so far posted 0x0909"):
        ledger.below(b"\x09" * 32)
    with pytest.raises(ChainError, match="E208"):
        ledger.verify(posted(prev=b"\x09" * 32))


@pytest.mark.parametrize(("deltas", "rounds"), [(2, 2), (4, 2), (3, 1), (3, 3)])
def test_shape_of_other_public_rows__refused_e188(deltas: int, rounds: int) -> None:
    params = Params(**{**PARAMS.__dict__, "delta_rows": deltas, "file_rounds": rounds})

    with pytest.raises(InputError, match=f"E188 public rows: got {deltas} deltas and {rounds} rounds"):
        shape_of(params)


# ----- files -----


def reveal(store: FolderStore, data: bytes, root: bytes) -> Reveal:
    return Reveal(0, POSTER, root, b"\x01" * 32, digest(store.put(data)), True, 0)


def test_files_update__fetched_once_and_checked(store: FolderStore, tmp_path: Path) -> None:
    files, root = Files(store, D, tmp_path / "files"), update_root(UPDATE_FILE)
    first = files.update(reveal(store, UPDATE_FILE, root))
    for path in (tmp_path / "store" / "objects").rglob("baf*"):
        path.unlink()

    assert first.path.read_bytes() == UPDATE_FILE
    assert files.update(Reveal(0, POSTER, root, b"", b"\x09" * 32, True, 0)) == first


@pytest.mark.parametrize(
    ("data", "root", "code"),
    [
        (UPDATE_FILE[:-1], update_root(UPDATE_FILE), "E101"),
        (UPDATE_FILE + b"\0", update_root(UPDATE_FILE), "E101"),
        (UPDATE_FILE, b"\x05" * 32, "E110"),
        (UPDATE_FILE[:-1] + b"\1", update_root(UPDATE_FILE), "E111"),
    ],
)
def test_files_update_wrong_file__refused_and_nothing_kept(
    store: FolderStore, tmp_path: Path, data: bytes, root: bytes, code: str
) -> None:
    files = Files(store, D, tmp_path / "files")

    with pytest.raises(UpdateError, match=code):
        files.update(reveal(store, data, root))
    assert not list((tmp_path / "files").iterdir())


def test_files_update_that_nobody_serves__unavailable(store: FolderStore, tmp_path: Path) -> None:
    files = Files(store, D, tmp_path / "files")

    with pytest.raises(UnavailableError):
        files.update(Reveal(0, POSTER, update_root(UPDATE_FILE), b"", b"\x09" * 32, True, 0))


def test_files_adopted__found_by_root_until_pruned(store: FolderStore, tmp_path: Path) -> None:
    files, roots = Files(store, D, tmp_path / "files"), (b"\x01" * 32, b"\x02" * 32)
    for root in roots:
        made = tmp_path / "made"
        made.write_bytes(root)
        files.adopt_delta(made, root)

    files.prune([roots[0]])

    assert files.delta_kept(roots[0]) is not None
    assert files.delta_kept(roots[1]) is None
    assert files.model_kept(roots[0]) is None


def test_judge_by_an_engine__is_asked_for_both_passes_and_gives_the_same(
    history: History, store: FolderStore, tmp_path: Path
) -> None:
    choice = Choice(frozenset({0, 1}), frozenset(), frozenset())
    asked = []

    def run(work: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
        asked.append(work.__name__)
        return map(work, tasks)

    one = Ledger(history, store, PLACE, tmp_path / "one")
    two = Ledger(history, store, PLACE, tmp_path / "two", engine=Sharded(run))

    results = [ledger.judge(1, choice, ledger.below(START), POSTER) for ledger in (one, two)]

    assert results[0].roots == results[1].roots
    assert asked == ["sketch_range", "hash_range", "sum_range"]
