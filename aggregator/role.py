"""The honest aggregator as code: fetch, judge, post, and move rounds on.

Including is vouching: it includes exactly the updates whose file it holds and has checked, keeps them until
the round is FINAL, and posts nothing that it did not compute on results that it recomputed itself.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.answers import Answers
from aggregator.compare import document_for
from aggregator.judge import LOCAL, Engine, Judgement, Progress
from aggregator.ledger import Below, Choice, Ledger, words_of
from aggregator.rows import MEMORY
from market.cid import digest
from market.claims import Place
from market.duties import Duty, Kind, aggregator_duties, answer_duties, is_over
from market.errors import StoreError, UpdateError, VerificationError
from market.events import Asked, ResultPosted
from market.history import Reveal
from market.node import Node, Pace
from market.phases import Phase
from market.ports import Store
from market.records import Post
from market.result_hash import start_commitment
from market.snapshot import ProjectSnapshot
from market.units import bitmap_of

if TYPE_CHECKING:
    from market.chain.gateway import Gateway

log = logging.getLogger(__name__)


class AggregatorNode(Node):
    """Posts results of one project. `patience_s`: how long files that nobody serves are waited for. `wait_final`:
    posts once the end of REVEAL is final, so that no reorganisation can swap what the post vouches for. `engine`:
    where the passes over the files run."""

    def __init__(
        self,
        gateway: Gateway,
        store: Store,
        project: int,
        me: str,
        folder: Path,
        pace: Pace,
        patience_s: float,
        progress: Progress = lambda *_: None,
        *,
        wait_final: bool = False,
        engine: Engine = LOCAL,
    ) -> None:
        super().__init__(gateway, project, me, pace)
        self._wait_final, self._engine = wait_final, engine
        self._store = store
        self._folder = folder
        self._patience_s = patience_s
        self._progress = progress
        self._place = Place(gateway.deployment.chain_id, gateway.deployment.market)
        self._ledger: Ledger | None = None
        self._answers: Answers | None = None
        self._missing_since: dict[int, float] = {}
        self._tidied = 0
        self._lies: set[bytes] = set()

    def act(self, snapshot: ProjectSnapshot) -> bool:
        """Answers what is asked about its results, posts where it may; clears its disk when rounds become FINAL."""
        self._tidy(snapshot.project.last_final)
        if self._answer(snapshot):
            return True
        for duty in aggregator_duties(snapshot):
            if duty.kind is Kind.WARN:
                self.warn(duty)
            elif duty.kind is Kind.POST and self._post(snapshot, duty.round):
                return True
        return False

    def _answer(self, snapshot: ProjectSnapshot) -> bool:
        """Answers one ask about a result of its own: without an answer the bond is lost."""
        for duty in answer_duties(snapshot):
            if duty.kind is Kind.WARN:
                self.warn(duty)
                continue
            ask = self.observer.history.asks.get(duty.ask)
            posted = self.observer.history.posted(snapshot.result(duty.round).commitment)
            if ask is not None and posted is not None and self._send_answer(ask.asked, posted):
                return True
        return False

    def _send_answer(self, asked: Asked, posted: ResultPosted) -> bool:
        try:
            answer = self._answer_to(asked, posted)
        except (VerificationError, UpdateError, StoreError) as error:
            self.warn(Duty(Kind.WARN, asked.round, f"ask {asked.id} cannot be answered: {error}", asked.due))
            return False
        log.info("round %d: answering ask %d with %s bytes", asked.round, asked.id, f"{len(answer):,}")
        intent = f"answer/{self.project}/{asked.round}/{asked.id}"
        return self.send("answer", asked.id, answer, intent=intent)

    def _answer_to(self, asked: Asked, posted: ResultPosted) -> bytes:
        self._answers = self._answers or Answers(self._current_ledger(), self._folder / "answers")
        return self._answers.answer(asked, posted)

    def _tidy(self, last_final: int) -> None:
        if last_final > self._tidied:
            self._current_ledger().forget(last_final)
            self._tidied = last_final

    def finished(self, snapshot: ProjectSnapshot) -> bool:
        """The project is over and every round is settled."""
        return is_over(snapshot) and snapshot.project.open_count == 0

    def _reveals_are_final(self, snapshot: ProjectSnapshot, number: int) -> bool:
        return not self._wait_final or self.gateway.final_time() > snapshot.rounds[number].reveal_end

    def _post(self, snapshot: ProjectSnapshot, number: int) -> bool:
        if not self._reveals_are_final(snapshot, number):
            return False
        ledger = self._current_ledger()
        standing = snapshot.results.get(number) if snapshot.phase(number) is Phase.PROPOSED else None
        prev = self._prev_commitment(snapshot.project.last_result if standing is None else standing.prev)
        below = self._recomputed(ledger, number, prev)
        if below is None:
            return False
        choice, missing = self._choose(ledger, number, len(below.deltas))
        if not choice.included or (missing and self._keeps_waiting(number, missing)):
            return False
        if standing and choice.size() <= (standing.included_count, standing.row_count):
            return False
        started = time.monotonic()
        judgement = self._judged(ledger, number, choice, below)
        log.info("round %d judged in %.1f s", number, time.monotonic() - started)
        post = self._publish(number, choice, judgement, prev)
        # After a conviction the very same result may be due again, so the time of the last one is part of it.
        made = f"{prev.hex()[:8]}/{post.roots.steps.hex()[:8]}/{snapshot.project.cleared_at}"
        intent = f"post/{self.project}/{number}/{made}"
        if not self.send("post", self.project, number, post, intent=intent):
            return False
        self._remember(ledger, number, below, judgement)
        return True

    def _judged(self, ledger: Ledger, number: int, choice: Choice, below: Below) -> Judgement:
        """The round as it will be posted."""
        return ledger.judge(number, choice, below, self.me, self._progress)

    def _recomputed(self, ledger: Ledger, number: int, prev: bytes) -> Below | None:
        """What the result below left, recomputed; None, with a warning, on a lie or what cannot be recomputed.

        A lie is remembered. The daemon goes on: older rounds are still to be finalised.
        """
        if prev in self._lies:
            return None
        try:
            return ledger.below(prev, self._progress)
        except (VerificationError, UpdateError) as lie:
            self._lies.add(prev)
            self.warn(Duty(Kind.WARN, number, f"not posting on a wrong result: {lie}"))
        except StoreError as missing:
            self.warn(
                Duty(Kind.WARN, number, f"not posting, the result below cannot be recomputed: {missing}")
            )
        return None

    def _choose(self, ledger: Ledger, number: int, deltas: int) -> tuple[Choice, list[str]]:
        """What can be had and checked now, and why the rest cannot."""
        history, missing = self.observer.history, []

        def there(what: str, reveal: Reveal) -> bool:
            try:
                ledger.files.update(reveal)
            except (UpdateError, StoreError) as error:
                missing.append(f"{what}: {error}")
                return False
            return True

        facts = history.round(number)
        reveals, reference = facts.reveals, facts.reference
        included = {seat for seat, reveal in sorted(reveals.items()) if there(f"seat {seat}", reveal)}
        past = {
            (age, seat)
            for age in range(MEMORY)
            for seat, reveal in sorted(history.round(number - 1 - age).reveals.items())
            if there(f"file of seat {seat}, round {number - 1 - age}", reveal)
        }
        served = reference is not None and there("reference", reference)
        return Choice(frozenset(included), frozenset(range(deltas)), frozenset(past), served), missing

    def _keeps_waiting(self, number: int, missing: list[str]) -> bool:
        """Whether files that nobody serves are waited for some more; says once which are left out."""
        since = self._missing_since.setdefault(number, time.monotonic())
        if time.monotonic() - since < self._patience_s:
            return True
        for reason in missing:
            self.warn(Duty(Kind.WARN, number, f"left out, {reason}"))
        return False

    def _publish(self, number: int, choice: Choice, judgement: Judgement, prev: bytes) -> Post:
        """Puts delta, model, running sums and document into the store; the post that names them."""
        delta, model = self._store.put_file(judgement.delta), self._store.put_file(judgement.model)
        if judgement.sums:
            self._store.put_file(judgement.sums)
        document = document_for(self.project, number, self.me, judgement, delta, model)
        facts, seats = self.observer.history.round(number), self.observer.history.params.seats
        return Post(
            prev_commitment=prev,
            reveal_sum=facts.reveal_sum(),
            reveal_count=len(facts.reveals),
            paid=judgement.paid,
            delta_digest=digest(delta),
            model_digest=digest(model),
            document_digest=digest(self._store.put(document.to_bytes())),
            roots=judgement.roots,
            included=bitmap_of(choice.included, seats),
            rows=words_of(choice, seats),
        )

    def _remember(self, ledger: Ledger, number: int, below: Below, judgement: Judgement) -> None:
        """Keeps the result, so that the next round need not compute it again."""
        self.observer.refresh()
        commitment = self.gateway.result(self.project, number).commitment
        posted = self.observer.history.posted(commitment)
        if posted is not None and posted.poster == self.me and posted.post.roots == judgement.roots:
            ledger.remember(posted, below, judgement)

    def _prev_commitment(self, round_: int) -> bytes:
        if round_:
            return self.gateway.result(self.project, round_).commitment
        place, content = self._place, self.observer.history.content
        return start_commitment(place.chain_id, place.market, self.project, content.model_root)

    def _current_ledger(self) -> Ledger:
        """The ledger on the present history; a reorganised chain gives a new history."""
        history = self.observer.history
        if self._ledger is None or self._ledger.history is not history:
            self._ledger = Ledger(history, self._store, self._place, self._folder, engine=self._engine)
            self._answers = None
        return self._ledger
