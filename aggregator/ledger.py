"""Results recomputed from chain and storage alone, each on the one below, down to the start.

This is both how an aggregator knows what to build on and how anybody verifies: a result is never believed,
its numbers are computed again from the revealed files and compared. What was computed is kept in a folder by
commitment, so that a restarted process goes on where it was; the folder may be deleted at any time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aggregator.compare import compare
from aggregator.decide import Seats
from aggregator.files import Files
from aggregator.judge import LOCAL, Engine, File, Judgement, Progress, RoundInputs, judge
from aggregator.refute.trees import Trees, judged_trees
from aggregator.rows import DELTAS, MEMORY, Shape
from aggregator.state import State, empty_state, read_state, state_bytes
from market.claims import Place, opening_from
from market.errors import ChainError, InputError, VerificationError
from market.events import ResultPosted
from market.history import History, Reveal
from market.merkle import Hash
from market.params import Params
from market.ports import Store
from market.records import START_ACCOUNT, Account
from market.result_hash import start_commitment
from market.seals import seed_of
from market.store.files import publish, temporary_name, write_synced
from market.units import bitmap_of, members_of

REFERENCE_BIT = DELTAS
"""Of the first word of posted rows; the bits below it name deltas."""
IN_MEMORY = 8
"""Results whose state is held at once; older ones come from the folder, or are computed again."""


@dataclass(frozen=True)
class Below:
    """What a round is judged on: the standing result below it. `deltas`: newest first, at most K. `step_roots`: the
    64 slots of its steps tree, none at the start."""

    model: File
    state: State
    accounts: Sequence[Account]
    deltas: Sequence[File]
    step_roots: Sequence[Hash] = ()


@dataclass(frozen=True)
class Choice:
    """What a poster decides: which revealed seats it includes and which public rows it serves."""

    included: frozenset[int]
    deltas: frozenset[int]
    past: frozenset[tuple[int, int]]
    """(age, seat): file that `seat` revealed age + 1 opened rounds ago"""
    reference: bool = False
    """the owner's, of this round"""

    def size(self) -> tuple[int, int]:
        """Seats, then rows: a PROPOSED result is replaced by more seats, or as many and more rows."""
        return len(self.included), len(self.deltas) + len(self.past) + self.reference


def shape_of(params: Params) -> Shape:
    """Sizes of a project. Raises InputError E188 for row counts that rule 1 does not know."""
    if (params.delta_rows, params.file_rounds) != (DELTAS, MEMORY):
        got = f"{params.delta_rows} deltas and {params.file_rounds} rounds of files"
        raise InputError("E188", f"public rows: got {got}, rule 1 is defined for {DELTAS} and {MEMORY}")
    return Shape(params.coefficients, params.seats)


def choice_of(posted: ResultPosted) -> Choice:
    """What the poster of a result decided, from its bitmaps."""
    rows = posted.post.rows
    words = (len(rows) - 1) // MEMORY
    past = set()
    for age in range(MEMORY):
        first = 1 + age * words
        past |= {(age, seat) for seat in members_of(rows[first : first + words])}
    included, named = members_of(posted.post.included), members_of(rows[:1])
    deltas = frozenset(age for age in named if age != REFERENCE_BIT)
    return Choice(frozenset(included), deltas, frozenset(past), REFERENCE_BIT in named)


def words_of(choice: Choice, seats: int) -> tuple[int, ...]:
    """The bitmap of public rows that a post names, see `market.records.Post`."""
    first = choice.deltas | ({REFERENCE_BIT} if choice.reference else set())
    rows = [bitmap_of(first, 256)]
    rows += [bitmap_of({seat for a, seat in choice.past if a == age}, seats) for age in range(MEMORY)]
    return tuple(word for group in rows for word in group)


class Ledger:
    """Recomputes results of one project. `keep=False` forgets: everything is computed again. `engine`: where the passes
    over the files run."""

    def __init__(
        self,
        history: History,
        store: Store,
        place: Place,
        folder: Path,
        keep: bool = True,
        engine: Engine = LOCAL,
    ) -> None:
        self.history = history
        self._engine = engine
        self.files = Files(store, history.params.coefficients, folder / "files")
        self.shape = shape_of(history.params)
        self._place = place
        self._folder = folder / "results"
        self._keep = keep
        self._computed: dict[bytes, Below] = {}

    def below(self, commitment: bytes, progress: Progress = lambda *_: None) -> Below:
        """What a round on top of the result with this commitment starts from.

        Recomputes, oldest first, whatever is not kept. Raises VerificationError at the first number that
        differs, UpdateError or StoreError if a file is wrong or cannot be had, ChainError E208 for a result that
        no event made.
        """
        missing: list[ResultPosted] = []
        while commitment not in self._computed:
            posted = self.history.posted(commitment)
            if posted is None:
                self._computed[commitment] = self._start(commitment)
            elif kept := self._load(posted):
                self._computed[commitment] = kept
            else:
                missing.append(posted)
                commitment = posted.post.prev_commitment
        for posted in reversed(missing):
            self.verify(posted, progress)
            commitment = posted.commitment
        return self._computed[commitment]

    def verify(self, posted: ResultPosted, progress: Progress = lambda *_: None) -> Judgement:
        """Recomputes one result and compares every number that it commits to; errors as `below`."""
        opening_from(self._place, posted)
        below = self.below(posted.post.prev_commitment, progress)
        choice = choice_of(posted)
        self.check_choice(posted.round, choice, below)
        judgement = self.judge(posted.round, choice, below, posted.poster, progress)
        compare(posted, judgement)
        self.remember(posted, below, judgement)
        return judgement

    def judge(
        self, number: int, choice: Choice, below: Below, poster: str, progress: Progress = lambda *_: None
    ) -> Judgement:
        """Judges a round as `poster` would; fetches and checks the files that the choice names."""
        folder = self._folder / "work" / f"{number}-{poster}"
        folder.mkdir(parents=True, exist_ok=True)
        return judge(self.inputs(number, choice, below, poster), folder, progress, self._engine)

    def workings(
        self, posted: ResultPosted, folder: Path, progress: Progress = lambda *_: None
    ) -> tuple[Judgement, Trees]:
        """Judges a posted round again, compares nothing, and gives its trees; delta and model go to `folder`.

        Errors as `below`; VerificationError if it names files that were not revealed.
        """
        opening_from(self._place, posted)
        below = self.below(posted.post.prev_commitment, progress)
        choice = choice_of(posted)
        self.check_choice(posted.round, choice, below)
        inputs = self.inputs(posted.round, choice, below, posted.poster)
        folder.mkdir(parents=True, exist_ok=True)
        judgement = judge(inputs, folder, progress, self._engine)
        slots = below.step_roots
        return judgement, judged_trees(inputs, judgement, start=not slots, step_roots_below=slots or None)

    def inputs(
        self,
        number: int,
        choice: Choice,
        below: Below,
        poster: str,
        file_of: Callable[[Reveal], File] | None = None,
    ) -> RoundInputs:
        """What a round is judged from. `file_of`: how a revealed file is had; else it is fetched and checked."""
        file_of = file_of or self.files.update
        facts, params = self.history.round(number), self.history.params
        reveals, every = facts.reveals, range(self.shape.seats)
        seats = Seats(
            sealed=[seat in facts.seals for seat in every],
            included=[seat in choice.included for seat in every],
            first=[seat in reveals and reveals[seat].first for seat in every],
        )
        public = {self.shape.delta(age): below.deltas[age] for age in choice.deltas}
        for age, seat in choice.past:
            public[self.shape.past(age, seat)] = file_of(self.past_reveal(number, age, seat))
        if choice.reference:
            assert facts.reference is not None, "check_choice has looked"
            public[self.shape.reference] = file_of(facts.reference)
        return RoundInputs(
            shape=self.shape,
            seed=seed_of(facts.reveal_sum()),
            seats=seats,
            updates={seat: file_of(reveals[seat]) for seat in sorted(choice.included)},
            public=public,
            base=below.model,
            state=below.state,
            accounts=below.accounts,
            pot=facts.full_pot(params),
            fee=params.fee,
            unit=params.unit,
            merged=facts.base_root == below.model.root,
            poster=bytes.fromhex(poster.removeprefix("0x")),
        )

    def check_choice(self, number: int, choice: Choice, below: Below) -> None:
        """The contract counts bits; whether they name files that were revealed only a look at the round tells."""
        where = f"round {number}"
        for seat in sorted(choice.included - self.history.round(number).reveals.keys()):
            raise VerificationError(f"{where}: seat {seat}", "included", "not revealed")
        if choice.reference and self.history.round(number).reference is None:
            raise VerificationError(f"{where}: reference", "served", "not revealed")
        for age, seat in sorted(choice.past):
            if seat not in self.history.round(number - 1 - age).reveals:
                past = f"{where}: file of seat {seat}, round {number - 1 - age}"
                raise VerificationError(past, "served", "not revealed")
        if len(choice.deltas) > len(below.deltas) or max(choice.deltas, default=-1) >= len(below.deltas):
            raise VerificationError(f"{where}: deltas", sorted(choice.deltas), list(range(len(below.deltas))))

    def past_reveal(self, number: int, age: int, seat: int) -> Reveal:
        """What `seat` revealed age + 1 opened rounds before `number`. KeyError if it did not."""
        return self.history.round(number - 1 - age).reveals[seat]

    def forget(self, below: int) -> None:
        """Deletes files that no round from `below` on needs; what is asked for again is fetched again."""
        history, first = self.history, below - max(MEMORY, DELTAS)
        wanted = {history.content.model_root}
        for standing in self._computed.values():
            wanted |= {file.root for file in (standing.model, *standing.deltas)}
        for number, facts in history.rounds.items():
            if number >= first:
                wanted |= {reveal.root for reveal in facts.reveals.values()}
                wanted |= {facts.reference.root} if facts.reference else set()
                wanted |= {
                    root
                    for posted in facts.posts
                    for root in (posted.post.roots.delta, posted.post.roots.model)
                }
        self.files.prune(wanted)

    def accept(self, posted: ResultPosted, below: Below) -> None:
        """Takes what a result left from somebody who has checked it otherwise, for as long as this object lives."""
        self._computed[posted.commitment] = below
        while len(self._computed) > IN_MEMORY:
            self._computed.pop(next(iter(self._computed)))

    def remember(self, posted: ResultPosted, below: Below, judgement: Judgement) -> None:
        """Keeps a result that was computed here; its files move to their place by root."""
        model = self.files.adopt_model(judgement.model, judgement.roots.model)
        delta = self.files.adopt_delta(judgement.delta, judgement.roots.delta)
        deltas = (delta, *below.deltas)[:DELTAS]
        self._computed[posted.commitment] = Below(
            model, judgement.state, judgement.accounts, deltas, judgement.step_roots
        )
        while len(self._computed) > IN_MEMORY:
            self._computed.pop(next(iter(self._computed)))
        if self._keep:
            self._save(posted, judgement)

    def _start(self, commitment: bytes) -> Below:
        place, content = self._place, self.history.content
        start = start_commitment(place.chain_id, place.market, self.history.project, content.model_root)
        if commitment != start:
            raise ChainError(
                "E208", f"no event read so far posted 0x{commitment.hex()}; the node may be behind"
            )
        model = self.files.model(content.model_root, content.model_digest)
        return Below(model, empty_state(self.shape.seats), [START_ACCOUNT] * self.shape.seats, ())

    def _save(self, posted: ResultPosted, judgement: Judgement) -> None:
        below = self._computed[posted.commitment]
        kept = {
            "model": below.model.root.hex(),
            "deltas": [delta.root.hex() for delta in below.deltas],
            "accounts": [list(map(str, account.to_abi())) for account in judgement.accounts],
            "steps": [root.hex() for root in judgement.step_roots],
        }
        self._write(posted, "state", state_bytes(judgement.state))
        self._write(posted, "json", json.dumps(kept).encode())

    def _load(self, posted: ResultPosted) -> Below | None:
        path = self._place_of(posted, "json")
        if not (self._keep and path.exists()):
            return None
        kept = json.loads(path.read_bytes())
        if "steps" not in kept:  # as earlier releases kept it: computed again
            return None
        model = self.files.model_kept(bytes.fromhex(kept["model"]))
        deltas = [self.files.delta_kept(bytes.fromhex(root)) for root in kept["deltas"]]
        if model is None or None in deltas:
            return None
        state = read_state(self._place_of(posted, "state").read_bytes(), self.shape.seats)
        accounts = [Account(*map(int, entry)) for entry in kept["accounts"]]
        roots = [bytes.fromhex(root) for root in kept["steps"]]
        return Below(model, state, accounts, [delta for delta in deltas if delta], roots)

    def _place_of(self, posted: ResultPosted, suffix: str) -> Path:
        return self._folder / f"{posted.commitment.hex()}.{suffix}"

    def _write(self, posted: ResultPosted, suffix: str, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / temporary_name(suffix)
        write_synced([data], part)
        publish(part, self._place_of(posted, suffix))
