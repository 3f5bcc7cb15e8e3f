"""The daemon that looks at every result that counts, bottom up, and acts on what it finds.

It may be killed at any point: what it knows is on chain or is computed again, and calls are sent once by intent.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.judge import Progress
from aggregator.ledger import Ledger
from aggregator.refute.builder import results_needed
from aggregator.refute.differences import Difference
from aggregator.refute.known import Question
from aggregator.refute.layout import depth, leaf_size
from aggregator.restore import Computed, restore
from aggregator.watch.audit import Audit, Finding, Missing, Right, Unknown, Wrong
from aggregator.watch.forced import Answer
from aggregator.watch.metrics import Metrics
from aggregator.watch.spot import SpotCheck
from market.claims import Place
from market.codec import leaves_of
from market.duties import Duty, Kind, is_over
from market.errors import StoreError, UpdateError, VerificationError
from market.events import ResultPosted
from market.history import AskFacts
from market.node import Node, Pace
from market.phases import Phase
from market.refutation import Ask, Check, Tree, answer_size
from market.snapshot import ProjectSnapshot
from market.store.restored import RestoredStore
from market.units import ZERO_ADDRESS

if TYPE_CHECKING:
    from market.chain.gateway import Gateway

log = logging.getLogger(__name__)

_TRIES = 3
"""Of a refutation that the contract refuses though its result still counts: more would say nothing new."""


class WatchNode(Node):
    """Watches one project. Without a key it only says what it finds.

    `force_data`: asks for files that nobody serves, leaf by leaf, which costs money. `once`: ends when nothing is
    left to do now. `spot_check`: part of a large model's files that is looked at, see `spot`.
    """

    def __init__(
        self,
        gateway: Gateway,
        store: RestoredStore,
        project: int,
        me: str,
        folder: Path,
        pace: Pace,
        metrics: Metrics,
        *,
        force_data: bool = False,
        once: bool = False,
        spot_check: float | None = None,
        progress: Progress = lambda *_: None,
    ) -> None:
        super().__init__(gateway, project, me, pace)
        self.metrics = metrics
        self.wrong: dict[bytes, str] = {}
        """What is wrong, by commitment."""
        self.missing: dict[bytes, int] = {}
        """Files that nobody serves, by commitment."""
        self._store, self._folder, self._progress = store, folder, progress
        self._place = Place(gateway.deployment.chain_id, gateway.deployment.market)
        self._force_data, self._once, self._fraction = force_data, once, spot_check
        self._ledger: Ledger | None = None
        self._audits: dict[bytes, Audit] = {}
        self._right: set[bytes] = set()
        self._suspected: set[bytes] = set()
        self._refused: dict[str, int] = {}

    def act(self, snapshot: ProjectSnapshot) -> bool:
        """Looks at what counts and is not FINAL; sends at most one call."""
        self.metrics.time.set(snapshot.now)
        acted = self._convict_silent(snapshot) or self._look(snapshot)
        self.metrics.missing.set(sum(self.missing.values()))
        self.metrics.write()
        return acted

    def finished(self, snapshot: ProjectSnapshot) -> bool:
        """The project is over and every round is settled; with `once`, that nothing is left to do now."""
        return self._once or (is_over(snapshot) and snapshot.project.open_count == 0)

    def _chores(self, snapshot: ProjectSnapshot) -> bool:
        return self.me != ZERO_ADDRESS and super()._chores(snapshot)

    # ----- looking -----

    def _look(self, snapshot: ProjectSnapshot) -> bool:
        counted = [
            n for n in sorted(snapshot.results) if snapshot.phase(n) in (Phase.PROPOSED, Phase.STANDING)
        ]
        for number in counted:
            posted = self.observer.history.posted(snapshot.results[number].commitment)
            if posted is None or snapshot.aggregator(posted.poster).banned:
                return False  # the next look has its event, or a chore clears it
            self.metrics.round.set(number)
            finding = self._finding(posted)
            if finding is None or not isinstance(finding, Right):
                # What stands on a result that is not known to be right waits for it.
                return finding is not None and self._follow(snapshot, posted, finding)
        return False

    def _finding(self, posted: ResultPosted) -> Finding | None:
        """What is to be said about a result; None, with a warning, if that cannot be said."""
        if posted.commitment in self._right:
            return Right()
        ledger = self._current_ledger()
        audit = self._audits.setdefault(
            posted.commitment,
            Audit(ledger, self._store, self._place, posted, self._audit_folder(posted), self._progress),
        )
        try:
            if self._passes_spot_check(posted):
                return Right()
            finding = audit.look(self._answers())
        except (VerificationError, UpdateError, StoreError) as error:
            self.warn(Duty(Kind.WARN, posted.round, f"what is below cannot be recomputed: {error}"))
            return None
        self._note(posted, finding)
        return finding

    def _passes_spot_check(self, posted: ResultPosted) -> bool:
        """Whether a part was looked at and nothing was wrong; what looks wrong is audited as a whole from then on."""
        if self._fraction is None or posted.commitment in self._suspected:
            return False
        spot = SpotCheck(
            self._current_ledger(), self._store, self._place, posted,
            self._audit_folder(posted) / "spot", self._fraction,
        )  # fmt: skip
        reason = spot.look()
        where = f"round {posted.round}, posted by {posted.poster}"
        if reason:
            self._suspected.add(posted.commitment)
            log.warning("%s: %s; looking at all of it", where, reason)
            return False
        self._right.add(posted.commitment)
        self.metrics.right.inc()
        shutil.rmtree(self._audit_folder(posted), ignore_errors=True)
        log.info("%s: nothing wrong in what was drawn", where)
        return True

    def _audit_folder(self, posted: ResultPosted) -> Path:
        return self._folder / "audits" / posted.commitment.hex()

    def _note(self, posted: ResultPosted, finding: Finding) -> None:
        where = f"round {posted.round}, posted by {posted.poster}"
        self.missing[posted.commitment] = len(finding.rows) if isinstance(finding, Missing) else 0
        match finding:
            case Right():
                self._right.add(posted.commitment)
                self._serve(posted, self._audits.pop(posted.commitment))
                shutil.rmtree(self._audit_folder(posted), ignore_errors=True)
                self.metrics.right.inc()
                log.info("%s: right", where)
            case Missing():
                for reason in finding.reasons:
                    self.warn(Duty(Kind.WARN, posted.round, f"cannot be recomputed: {reason}"))
            case _ if posted.commitment not in self.wrong:
                self.metrics.wrong.inc()
                self.wrong[posted.commitment] = "its trees are not served"
                log.warning("%s: WRONG", where)
        if isinstance(finding, Wrong) and self.wrong[posted.commitment] != finding.what:
            self.wrong[posted.commitment] = finding.what
            log.warning("%s: %s is wrong", where, finding.what)

    def _serve(self, posted: ResultPosted, audit: Audit) -> None:
        """Gives readers what a poster of right numbers does not: hiding them convicts nobody, and stops everybody."""
        if audit.judgement is None:
            return
        left = self._current_ledger().below(posted.commitment)
        computed = Computed(
            posted, audit.judgement, left.deltas[0].path, left.model.path, self._current_ledger().shape.d
        )
        if restored := restore(self._store, computed, audit.folder):
            names = " and ".join(restored)
            log.warning("round %d: %s could not be had as announced; restored here", posted.round, names)

    def _answers(self) -> Iterator[Answer]:
        for ask in self.observer.history.asks.values():
            if ask.answer is not None:
                yield Answer(_question(ask), ask.asked.root, ask.answer)

    # ----- acting -----

    def _follow(self, snapshot: ProjectSnapshot, posted: ResultPosted, finding: Finding) -> bool:
        if self.me == ZERO_ADDRESS or not self._still_counts(posted):
            return False
        match finding:
            case Wrong():
                return self._refute(posted, finding)
            case Unknown():
                return self._ask(snapshot, posted, finding.question)
            case Missing() if self._force_data:
                return self._ask_for_files(snapshot, posted, finding)
            case Missing(question=Question() as question):
                return self._ask(snapshot, posted, question)
        return False

    def _still_counts(self, posted: ResultPosted) -> bool:
        """Whether nobody else was faster: reads the chain again before anything is paid for."""
        result = self.gateway.result(self.project, posted.round)
        banned = self.gateway.aggregator(self.project, posted.poster).banned
        return result.commitment == posted.commitment and not banned

    def _refute(self, posted: ResultPosted, finding: Wrong) -> bool:
        x = finding.refutation
        intent = self._intent("refute", posted, f"{x.check.name}-{x.a}-{x.b}-{x.c}")
        if self._refused.get(intent, 0) >= _TRIES:
            return False
        log.info("round %d: refuting with %s bytes of evidence", posted.round, f"{len(x.evidence):,}")
        if not self.send("refute", self.project, posted.round, x, intent=intent):
            self._refused[intent] = self._refused.get(intent, 0) + 1
            return False
        self.metrics.refuted.inc()
        log.warning("round %d: %s was convicted", posted.round, posted.poster)
        return True

    def _ask(self, snapshot: ProjectSnapshot, posted: ResultPosted, question: Question) -> bool:
        """Asks unless somebody has, or the time for questions is over."""
        end = snapshot.results[posted.round].stands_at + snapshot.params.windows.challenge
        if snapshot.now >= end or self._is_asked(snapshot, posted.round, question):
            return False
        audit, post, shape = self._audits[posted.commitment], posted.post, self._current_ledger().shape
        file = Difference(Check.Presence, question.tree, question.index, question.row)
        below = audit.results_below(results_needed(file, shape))
        where = question.tree, question.row, question.level, question.index
        ask = Ask(*where, post.included, post.rows, post.roots, below)
        name = "-".join(map(str, (question.tree.name, *where[1:])))
        intent = self._intent("ask", posted, name)
        value = self._price(posted.round, question)
        log.info("round %d: asking for %s for %d wei", posted.round, name, value)
        if not self.send("ask", self.project, posted.round, ask, value=value, intent=intent):
            return False
        self.metrics.asked.inc()
        return True

    def _intent(self, call: str, posted: ResultPosted, name: str) -> str:
        """The time makes it new: the same result may be posted again after one below it was convicted."""
        posting = f"{posted.commitment.hex()[:16]}-{posted.stands_at}"
        return f"{call}/{self.project}/{posted.round}/{posting}/{name}"

    def _is_asked(self, snapshot: ProjectSnapshot, number: int, question: Question) -> bool:
        """Whether the same waits for an answer about the result that counts."""
        return any(
            ask.counts
            and ask.round == number
            and (ask.tree, ask.level, ask.index, ask.row)
            == (question.tree, question.level, question.index, question.row)
            for ask in snapshot.asks.values()
        )

    def _price(self, number: int, question: Question) -> int:
        shape = self._current_ledger().shape
        tree, level = question.tree, question.level
        size = answer_size(tree, level, depth(tree, shape), leaf_size(tree, shape))
        return self.gateway.price_of(size, self.gateway.result(self.project, number).open_asks)

    def _ask_for_files(self, snapshot: ProjectSnapshot, posted: ResultPosted, finding: Missing) -> bool:
        """The next leaf of a missing file that nobody has asked for."""
        for row in finding.rows:
            for leaf in range(leaves_of(self._current_ledger().shape.d)):
                question = Question(Tree.Update, 0, leaf, row)
                if not self._was_asked(posted.round, question):
                    return self._ask(snapshot, posted, question)
        return False

    def _was_asked(self, number: int, question: Question) -> bool:
        asks = self.observer.history.asks.values()
        return any(ask.asked.round == number and _question(ask) == question for ask in asks)

    def _convict_silent(self, snapshot: ProjectSnapshot) -> bool:
        """Asks of anybody that were not answered in time."""
        if self.me == ZERO_ADDRESS:
            return False
        for number, ask in sorted(snapshot.asks.items()):
            if ask.counts and snapshot.now >= ask.due:
                intent = f"convictSilent/{self.project}/{ask.round}/{number}"
                log.info("round %d: ask %d was not answered in time", ask.round, number)
                if self.send("convictSilent", number, intent=intent):
                    self.metrics.silent.inc()
                    return True
        return False

    def _current_ledger(self) -> Ledger:
        """The ledger on the present history; a reorganised chain gives a new history, and all is looked at again."""
        history = self.observer.history
        if self._ledger is None or self._ledger.history is not history:
            self._ledger = Ledger(history, self._store, self._place, self._folder)
            self._audits.clear()
            self._right.clear()
        return self._ledger


def _question(ask: AskFacts) -> Question:
    asked = ask.asked
    return Question(asked.tree, asked.level, asked.index, asked.row)
