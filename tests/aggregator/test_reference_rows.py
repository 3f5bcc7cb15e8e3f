"""The file of the owner's reference on its way: from the chain's facts into the choice, the judgement and an audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sample_ledger import PARAMS, PLACE, POSTER, PROJECT, SEATS, START, D, result_of, revealed, sealed_round

from aggregator.compare import document_for
from aggregator.judge import Judgement
from aggregator.ledger import Choice, Ledger, choice_of, words_of
from aggregator.watch.audit import Audit, Missing, Right, Unknown, Wrong
from aggregator.watch.spot import SpotCheck
from market.cid import cid_from_digest, digest
from market.codec import UPDATE, encode, update_root
from market.errors import VerificationError
from market.events import (
    ResultPosted,
)
from market.history import History, Reveal, RoundFacts
from market.records import Post
from market.refutation import Check, Tree
from market.seals import add_reveal
from market.store.folder import FolderStore

OWNER_KEY = "0x" + "0d" * 20
ALL = Choice(frozenset(range(SEATS)), frozenset(), frozenset(), True)


def update(slot: int) -> NDArray[np.int16]:
    """What a seat sends; slot N is the owner's."""
    rng = np.random.default_rng(1)
    common = rng.normal(0, 300, D)
    return (common + np.random.default_rng([2, slot]).normal(0, 300, D)).astype(np.int16)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def history(store: FolderStore) -> History:
    """Round 1: all seats have revealed, and the owner."""
    made = sealed_round(store)
    made.apply([revealed(store, seat, encode(update(seat), UPDATE)) for seat in range(SEATS)])
    data = encode(update(SEATS), UPDATE)
    file = digest(store.put(data))
    made.round(1).reference = Reveal(SEATS, OWNER_KEY, update_root(data), b"\x09" * 32, file, False, 0)
    return made


@pytest.fixture
def ledger(history: History, store: FolderStore, tmp_path: Path) -> Ledger:
    return Ledger(history, store, PLACE, tmp_path / "ledger")


def judged(ledger: Ledger, choice: Choice = ALL) -> Judgement:
    return ledger.judge(1, choice, ledger.below(START), POSTER)


def posted(
    history: History, store: FolderStore, made: Judgement, change: Callable[[Post], Post] = lambda post: post
) -> ResultPosted:
    """The result on chain, its files in the store."""
    delta, model = store.put_file(made.delta), store.put_file(made.model)
    assert made.sums is not None
    store.put_file(made.sums)
    document = document_for(PROJECT, 1, POSTER, made, delta, model)
    post = Post(
        START, history.round(1).reveal_sum(), SEATS, made.paid, digest(delta), digest(model),
        digest(store.put(document.to_bytes())), made.roots, (0b1111,), words_of(ALL, SEATS),
    )  # fmt: skip
    event = result_of(change(post))
    history.apply([event])
    return event


def unserve(store: FolderStore, reveal: Reveal, tmp_path: Path) -> None:
    """Nobody has the file any more."""
    cid = cid_from_digest(reveal.file_digest, UPDATE.file_bytes(D))
    gone = [path for path in (tmp_path / "store").rglob("*") if path.name == cid]
    assert gone
    for path in gone:
        path.unlink()


# ----- from bitmaps to files -----


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("deltas", [(), (0,), (0, 1, 2)])
def test_words_of__are_what_choice_of_reads(reference: bool, deltas: tuple[int, ...]) -> None:
    choice = Choice(frozenset({1}), frozenset(deltas), frozenset({(0, 3), (1, 0)}), reference)
    words = words_of(choice, SEATS)
    post = Post(START, 5, 2, 9, *[b"\x02" * 32] * 3, roots=None, included=(2,), rows=words)  # type: ignore[arg-type]

    assert words[0] == sum(1 << age for age in deltas) | reference << 3
    assert choice_of(ResultPosted(PROJECT, 1, POSTER, b"", 0, True, post)) == choice
    assert choice.size() == (1, len(deltas) + 2 + reference)


def test_reveal_sum__counts_the_reference(history: History) -> None:
    facts = history.round(1)
    reference = facts.reference
    assert reference is not None
    seats = replace(facts, reference=None).reveal_sum()

    assert facts.reveal_sum() == add_reveal(seats, OWNER_KEY, reference.root, reference.salt) != seats


def test_full_pot__does_not_count_the_reference() -> None:
    facts = RoundFacts(1, seals={0: b"", 1: b""})
    facts.reference_seal = b"\x01"

    assert facts.full_pot(PARAMS) == replace(facts, reference_seal=None).full_pot(PARAMS) == facts.pot


def test_inputs__row_n_is_the_file_of_the_owner(ledger: Ledger) -> None:
    with_it, without = (
        ledger.inputs(1, replace(ALL, reference=flag), ledger.below(START), POSTER) for flag in (True, False)
    )

    assert with_it.public[SEATS].path.read_bytes() == encode(update(SEATS), UPDATE)
    assert not without.public
    assert with_it.seed == without.seed  # the reveal is a fact of the round, whoever serves its file
    assert judged(ledger).view.trust.any()
    assert not judged(ledger, replace(ALL, reference=False)).view.trust.any()


def test_check_choice_of_a_reference_that_was_not_revealed__is_refused(
    history: History, ledger: Ledger
) -> None:
    history.round(1).reference = None

    with pytest.raises(
        VerificationError, match="E301 round 1: reference: posted served, computed not revealed"
    ):
        ledger.check_choice(1, ALL, ledger.below(START))


def test_forget__keeps_the_file_of_the_reference(history: History, ledger: Ledger) -> None:
    reference = history.round(1).reference
    assert reference is not None
    ledger.files.update(reference)

    ledger.forget(1)
    assert ledger.files.has(reference.root)
    ledger.forget(5)
    assert not ledger.files.has(reference.root)


# ----- a posted result with a reference -----


@pytest.fixture
def audit_of(ledger: Ledger, store: FolderStore, tmp_path: Path) -> Callable[[ResultPosted], Audit]:
    return lambda event: Audit(ledger, store, PLACE, event, tmp_path / "audit")


Auditing = Callable[[ResultPosted], Audit]


def test_verify_and_audit_of_a_right_result__find_nothing(
    history: History, store: FolderStore, ledger: Ledger, audit_of: Auditing, tmp_path: Path
) -> None:
    event = posted(history, store, judged(ledger))

    assert SpotCheck(ledger, store, PLACE, event, tmp_path / "spot", 1.0).look() == ""
    assert audit_of(event).look() == Right()
    assert ledger.verify(event).roots == event.post.roots


def test_audit_of_a_result_judged_without_its_reference__asks_for_the_sketch_that_is_missing(
    history: History, store: FolderStore, ledger: Ledger, audit_of: Auditing
) -> None:
    """The poster's bitmap says that the row is there, its trees lack it."""
    event = posted(history, store, judged(ledger, replace(ALL, reference=False)))

    found = audit_of(event).look()
    assert isinstance(found, Unknown)
    assert found.question.tree is Tree.Sketches


def test_audit_of_a_reference_that_was_not_revealed__convicts_without_evidence(
    history: History, store: FolderStore, ledger: Ledger, audit_of: Auditing
) -> None:
    event = posted(history, store, judged(ledger))
    history.round(1).reference = None

    found = audit_of(event).look()
    assert isinstance(found, Wrong)
    assert (found.refutation.check, found.refutation.a, found.refutation.evidence) == (
        Check.Update,
        SEATS,
        b"",
    )
    assert found.refutation.below == ()


def test_audit_of_a_reference_with_padding__convicts(
    history: History, store: FolderStore, ledger: Ledger, audit_of: Auditing
) -> None:
    event = posted(history, store, judged(ledger))
    data = encode(update(SEATS), UPDATE)[:-1] + b"\1"
    reference = history.round(1).reference
    assert reference is not None
    history.round(1).reference = replace(
        reference, root=update_root(data), file_digest=digest(store.put(data))
    )

    found = audit_of(event).look()
    assert isinstance(found, Wrong)
    assert (found.refutation.check, found.refutation.a) == (Check.Update, SEATS)
    assert found.refutation.evidence[:2048] == data[-2048:]


def test_audit_behind_a_reference_that_nobody_serves__checks_all_else(
    history: History, store: FolderStore, ledger: Ledger, audit_of: Auditing, tmp_path: Path
) -> None:
    event = posted(history, store, judged(ledger))
    reference = history.round(1).reference
    assert reference is not None
    unserve(store, reference, tmp_path)
    ledger.files.prune([])

    found = audit_of(event).look()
    assert isinstance(found, Missing)
    assert (found.rows, found.question) == ((SEATS,), None)
    assert "the owner's reference" in found.reasons[0]


def test_audit_of_a_lie_behind_a_reference_that_nobody_serves__convicts(
    history: History, store: FolderStore, ledger: Ledger, audit_of: Auditing, tmp_path: Path
) -> None:
    event = posted(history, store, judged(ledger), lambda post: replace(post, paid=post.paid + 1))
    reference = history.round(1).reference
    assert reference is not None
    unserve(store, reference, tmp_path)
    ledger.files.prune([])

    found = audit_of(event).look()
    assert isinstance(found, Wrong)
    assert found.refutation.check is Check.Paid
