"""One posted result beside what it should be: right, refuted, to be asked about, or not to be had.

Everything follows from the chain and from files that are checked against it; nothing has to be remembered. The
poster's own trees are known by their roots, by what it serves (delta, model, accounts) and by answers to asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from aggregator.judge import Judgement, Progress
from aggregator.ledger import Ledger, choice_of
from aggregator.refute.builder import evidence_for, refutation, results_needed
from aggregator.refute.differences import Difference, first_difference
from aggregator.refute.known import Hidden, Known, Question, posted_trees
from aggregator.refute.trees import Trees, accounts_tree, file_tree
from aggregator.rows import MEMORY
from aggregator.watch.forced import Answer, Forced, take_forced
from aggregator.watch.shielded import Shielded
from market.cid import cid_from_digest
from market.claims import Place, document_of, opening_from
from market.codec import MODEL, UPDATE, Kind, leaves_of
from market.errors import DocumentError, FairtrainError, StoreError, UpdateError
from market.events import ResultPosted
from market.fetch import fetch_to_file
from market.history import Reveal
from market.ports import Store
from market.refutation import Below, Check, Refutation, Tree


@dataclass(frozen=True)
class Right:
    """All roots and the sum of pay are what they should be."""


@dataclass(frozen=True)
class Wrong:
    """A number is wrong, and this convicts."""

    what: str
    refutation: Refutation


@dataclass(frozen=True)
class Unknown:
    """Something is wrong, and this has to be asked to find out what."""

    question: Question


@dataclass(frozen=True)
class Missing:
    """The result cannot be recomputed as a whole. `rows`: rows of sketches whose file nobody serves; `question`: what
    has to be asked to check what does not need these files; without it, that is right."""

    reasons: tuple[str, ...]
    rows: tuple[int, ...]
    question: Question | None = None


Finding = Right | Wrong | Unknown | Missing


@dataclass
class Audit:
    """One result; `look` again whenever the chain has brought more answers."""

    ledger: Ledger
    store: Store
    place: Place
    posted: ResultPosted
    folder: Path
    progress: Progress = lambda *_: None
    honest: Trees | None = None
    judgement: Judgement | None = None
    """of the round as it should be, once it was judged"""
    _shown: Trees | None = field(default=None, repr=False)
    _without: tuple[tuple[tuple[int, ...], int], Finding] | None = field(default=None, repr=False)

    def look(self, answers: Iterable[Answer] = ()) -> Finding:
        """What is to be said now. Raises VerificationError or StoreError if the result below is not sound or cannot
        be had, StoreError if files of this one cannot be kept."""
        if (row := self._unrevealed()) is not None:
            return self._wrong(Difference(Check.Update, row, what=f"row {row} was never revealed"), b"")
        if (row := self._padded()) is not None:
            return self._wrong(Difference(Check.Update, row, what=f"padding of row {row}"), self._tail(row))
        answers = list(answers)
        try:
            if (forced := self._forced(answers)) is not None:
                return self._wrong(forced.found, forced.evidence)
            if missing := self._missing():
                return self._without_files(missing, answers)
            return Right() if self._judge() else self._compare(answers)
        except Hidden as hidden:
            return Unknown(hidden.question)

    # ----- facts of the chain that no poster can be right against -----

    def _files(self) -> Iterator[tuple[int, Reveal | None]]:
        """Rows of sketches that the poster answers for (but deltas), with what their seats revealed."""
        choice, history, number = choice_of(self.posted), self.ledger.history, self.posted.round
        shape = self.ledger.shape
        for seat in sorted(choice.included):
            yield seat, history.round(number).reveals.get(seat)
        if choice.reference:
            yield shape.reference, history.round(number).reference
        for age, seat in sorted(choice.past):
            yield shape.past(age, seat), history.round(number - 1 - age).reveals.get(seat)

    def _unrevealed(self) -> int | None:
        return next((row for row, reveal in self._files() if reveal is None), None)

    def _padded(self) -> int | None:
        """A revealed file that is not zero after its last coefficient: no honest poster includes it."""
        for row, reveal in self._files():
            assert reveal is not None
            try:
                self.ledger.files.update(reveal)
            except UpdateError as error:
                if error.code == "E111" and self._fetch(reveal.root, reveal.file_digest, UPDATE):
                    return row
            except StoreError:
                continue
        return None

    def _forced(self, answers: Sequence[Answer]) -> Forced | None:
        """Takes files that were answered on chain; what is wrong with one."""
        asked = {answer.root for answer in answers if answer.question.tree is Tree.Update}
        for row, reveal in self._files():
            assert reveal is not None
            if reveal.root in asked and not self.ledger.files.has(reveal.root):
                forced = take_forced(self.ledger, row, reveal.root, answers, self.folder)
                if forced is not None:
                    return forced
        return None

    def _missing(self) -> Missing | None:
        reasons, rows = [], []
        for row, reveal in self._files():
            assert reveal is not None
            try:
                self.ledger.files.update(reveal)
            except (UpdateError, StoreError) as error:
                reasons.append(f"file of row {row} ({self._whose(row)}): {error}")
                rows.append(row)
        return Missing(tuple(reasons), tuple(rows)) if rows else None

    def _whose(self, row: int) -> str:
        shape = self.ledger.shape
        if row < shape.seats:
            return f"seat {row}"
        if row == shape.reference:
            return "the owner's reference"
        age, seat = divmod(row - shape.first_past, shape.seats)
        assert age < MEMORY
        return f"seat {seat}, round {self.posted.round - 1 - age}"

    # ----- numbers -----

    def _without_files(self, missing: Missing, answers: Sequence[Answer]) -> Finding:
        """What is wrong although files are missing, else which are. Looked at again when there is news."""
        news = missing.rows, len(answers)
        if self._without is None or self._without[0] != news:
            self._without = news, self._look_without_files(missing, answers)
        return self._without[1]

    def _look_without_files(self, missing: Missing, answers: Sequence[Answer]) -> Finding:
        shielded = Shielded(self.ledger, self.store, self.posted, missing.rows, self.folder / "shielded")
        try:
            honest, found = shielded.trees(answers)
            assert honest.view is not None
            shown = posted_trees(honest, self.posted.post.roots, self.posted.post.paid)
            shown = self._with_served(shown)
            for answer in answers:
                self._learn(shown, answer)
            found = found or first_difference(honest, shown)
            if found is None:
                return missing
            return self._wrong(found, evidence_for(found, shown, honest.view))
        except Hidden as hidden:
            return replace(missing, question=hidden.question)

    def _judge(self) -> bool:
        """Judges the round as it should be, once; whether that is what was posted."""
        if self.honest is not None:
            return False
        judgement, trees = self.ledger.workings(self.posted, self.folder / "work", self.progress)
        self.honest, self.judgement = trees, judgement
        post = self.posted.post
        if post.roots != judgement.roots or post.paid != judgement.paid:
            return False
        below = self.ledger.below(post.prev_commitment)
        self.ledger.remember(self.posted, below, judgement)
        return True

    def _compare(self, answers: Iterable[Answer]) -> Finding:
        assert self.honest is not None
        assert self.honest.view is not None
        if self._shown is None:
            self._shown = self._with_served(
                posted_trees(self.honest, self.posted.post.roots, self.posted.post.paid)
            )
        for answer in answers:
            self._learn(self._shown, answer)
        found = first_difference(self.honest, self._shown)
        assert found is not None, "roots differ, so a number does"
        return self._wrong(found, evidence_for(found, self._shown, self.honest.view))

    def _learn(self, shown: Trees, answer: Answer) -> None:
        question = answer.question
        if question.tree is Tree.Update:
            return
        tree = getattr(shown, question.tree.name.lower())
        if isinstance(tree, Known) and tree.root == answer.root:
            tree.learn(question.level, question.index, answer.content)

    def _with_served(self, shown: Trees) -> Trees:
        """With delta, model and accounts that the poster published, where they are what it committed to."""
        post, shape = self.posted.post, self.ledger.shape
        for name, digest, kind in (("delta", post.delta_digest, UPDATE), ("model", post.model_digest, MODEL)):
            root = getattr(post.roots, name)
            if isinstance(getattr(shown, name), Known) and (path := self._fetch(root, digest, kind)):
                shown = shown.with_tree(name, file_tree(path, shape.d, kind))
        if isinstance(shown.accounts, Known):
            with suppress(FairtrainError, ValueError, OverflowError):
                accounts = document_of(self.store, self.posted).account_list()
                tree = accounts_tree(accounts)
                if len(accounts) == shape.seats and tree.root == post.roots.accounts:
                    shown = shown.with_tree("accounts", tree)
        return shown

    # ----- from findings to records -----

    def _wrong(self, found: Difference, evidence: bytes) -> Wrong:
        below = self.results_below(results_needed(found, self.ledger.shape))
        return Wrong(found.what, refutation(found, evidence, self.posted, below))

    def results_below(self, count: int) -> tuple[Below, ...]:
        """Preimages of the `count` results below, newest first; fewer above the start."""
        out: list[Below] = []
        commitment = self.posted.post.prev_commitment
        while len(out) < count and (posted := self.ledger.history.posted(commitment)) is not None:
            out.append(Below(opening_from(self.place, posted).context, posted.post.roots))
            commitment = posted.post.prev_commitment
        return tuple(out)

    def _tail(self, row: int) -> bytes:
        """The last leaf of a file, padding and all."""
        reveal = dict(self._files())[row]
        assert reveal is not None
        path = self._fetch(reveal.root, reveal.file_digest, UPDATE)
        assert path is not None
        d = self.ledger.shape.d
        return file_tree(path, d, UPDATE).opened(leaves_of(d) - 1)

    def _fetch(self, root: bytes, digest: bytes, kind: Kind) -> Path | None:
        """A file as it is served, if it hashes to this root; its padding may be anything."""
        path, d = self.folder / f"{root.hex()}.served", self.ledger.shape.d
        size = kind.file_bytes(d)
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                fetch_to_file(self.store, cid_from_digest(digest, size), size, path)
            except (StoreError, UpdateError, DocumentError):
                return None
        return path if file_tree(path, d, kind).root == root else None
