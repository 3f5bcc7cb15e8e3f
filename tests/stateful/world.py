"""A small market to play in: actors by role, valid arguments for every call, and whatever they need to know.

`World` builds arguments from the specification's state, so a test says only what differs from the usual. Its
`driver` applies calls: to the specification alone, or to specification and chain side by side.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from market.devnet import dev_account
from market.errors import RefusedError
from market.events import Event
from market.keccak import keccak256
from market.params import MINIMAL, Content, Limits, Params
from market.phases import Phase
from market.records import (
    START_ACCOUNT,
    Account,
    Post,
    Roots,
)
from market.refutation import Check
from market.refutation import Tree as RefutedTree
from market.seals import is_revealed, is_sealed, seal_hash, short_seal
from market.snapshot import ProjectSnapshot, take_snapshot
from market.spec import State, apply, liabilities
from market.spec.post import COLUMN_SEATS
from market.spec.state import Project, is_settled, phase_of
from market.units import NATIVE, ZERO32, ZERO_ADDRESS, address, bitmap_of, words
from tests.stateful.getters import SpecGetters
from tests.stateful.oracle import MockOracle
from tests.stateful.posted import START_CLAIM, Claim, Posted, accounts_tree

MODEL_0 = keccak256(b"first model")
CONTENT = Content(keccak256(b"description"), keccak256(b"first model file"), MODEL_0)


REFERENCE = dev_account(11).address
"""Key of the owner's reference, in projects that have one."""


def someone(number: int) -> str:
    """A made-up address."""
    return address("0x" + keccak256(b"someone" + bytes([number]))[:20].hex())


Driver = Callable[..., list[Event]]
"""(name, *args, caller=, now=, value=) -> events; raises RefusedError."""


def spec_driver(state: State) -> Driver:
    """Applies calls to the specification alone."""
    return lambda name, *args, **call: apply(state, name, *args, **call)


@dataclass
class World:
    """One project of one market, its clock and its people."""

    state: State
    driver: Driver
    now: int
    trainers: list[str]
    posters: list[str]
    owner: str
    anyone: str
    number: int = 0
    posted: dict[bytes, Posted] = field(default_factory=dict)

    @classmethod
    def spec(cls, limits: Limits = MINIMAL.limits, now: int = 1_000_000) -> World:
        """A market without a chain."""
        state = State(31337, someone(0), limits, oracle=MockOracle())
        people = [someone(number) for number in range(1, 12)]
        return cls(state, spec_driver(state), now, people[:6], people[6:9], people[9], people[10])

    # ----- looking -----

    @property
    def project(self) -> Project:
        """The project's state in the specification."""
        return self.state.projects[self.number - 1]

    @property
    def params(self) -> Params:
        """Its frozen parameters."""
        return self.project.params

    def phase(self, round_: int) -> Phase:
        """Phase of a round now."""
        return phase_of(self.project, round_, self.now)

    def seats_in(self, round_: int, test: Callable[[bytes], bool]) -> list[int]:
        """Seats whose slot passes a test, for example `is_sealed`."""
        return sorted(seat for seat, slot in self.project.rounds[round_].slots.items() if test(slot))

    def holder(self, seat: int) -> str:
        """Who signs for a seat, the zero address if nobody does."""
        place = self.project.seats.get(seat)
        return place.signer if place else ZERO_ADDRESS

    def signer(self, seat: int) -> str:
        """Who signs for a seat, or anyone if nobody does."""
        holder = self.holder(seat)
        return self.anyone if holder == ZERO_ADDRESS else holder

    def held_seats(self) -> list[int]:
        """Seats that somebody holds."""
        return sorted(n for n, place in self.project.seats.items() if place.signer != ZERO_ADDRESS)

    def moments(self) -> list[int]:
        """Times at which the phase of a round, or what may be done, changes; past ones too."""
        it, windows = self.project, self.params.windows
        found = []
        for number, facts in it.rounds.items():
            if is_settled(facts):
                continue
            found += [facts.commit_end, facts.reveal_end]
            found.append(max(facts.reveal_end, it.cleared_at) + windows.first_right)
            found.append(max(facts.reveal_end, it.last_event_at) + windows.dead)
            if number in it.results and number <= it.tip:
                stands = it.results[number].stands_at
                end = stands + windows.challenge
                found += [stands, end, end + windows.answer + windows.refute]
        found += [ask.event.due for ask in self.state.asks.values() if ask.event.project == self.number]
        return found

    def claim_at(self, round_: int, seat: int) -> Claim:
        """The account of a seat under a round's result; the start's needs no proof."""
        result = self.project.results.get(round_)
        if result is None or result.commitment not in self.posted:
            return START_CLAIM
        posted = self.posted[result.commitment]
        return posted.claim((self.state.chain_id, self.state.market, self.number), seat)

    def snapshot(self, me: str = ZERO_ADDRESS) -> ProjectSnapshot:
        """What a daemon would see now."""
        stale = frozenset(number for number in self.project.results if number > self.project.tip)
        getters = SpecGetters(self.state, lambda: self.now)
        asks = [number for number, ask in self.state.asks.items() if ask.event.project == self.number]
        return take_snapshot(getters, self.number, me, stale=stale, asks=asks)

    def posted_for(self, round_: int) -> Posted | None:
        """What is posted for a round now, if anything is stored."""
        result = self.project.results.get(round_)
        return self.posted.get(result.commitment) if result else None

    def balanced(self) -> bool:
        """The escrow equation (I-01, I-02)."""
        token = self.params.token
        return liabilities(self.state, token) == self.state.held.get(token, 0)

    # ----- calling -----

    def call(self, name: str, *args: Any, caller: str | None = None, value: int = 0) -> list[Event]:
        """Any call, by anyone unless a caller is named."""
        return self.driver(name, *args, caller=caller or self.anyone, now=self.now, value=value)

    def create(self, owner: str | None = None, **changes: Any) -> int:
        """A project of the preset MINIMAL; later calls are about it."""
        params = MINIMAL.project(self.now, 4096, **changes)
        self.call("create", params, CONTENT, caller=owner or self.owner)
        self.number = len(self.state.projects)
        return self.number

    def fund(self, pots: int = 10) -> None:
        """The owner pays in so many pots."""
        amount = pots * self.params.pot
        self.pay("fund", self.number, amount, amount=amount, caller=self.owner)

    def pay(self, name: str, *args: Any, amount: int, caller: str) -> list[Event]:
        """A call that takes money."""
        value = amount if self.params.token == NATIVE else 0
        return self.call(name, *args, caller=caller, value=value)

    def register(self, seat: int, trainer: str | None = None, stake: int | None = None) -> list[Event]:
        """A trainer takes a seat; its pay goes to another address than it signs with."""
        amount = self.params.min_stake if stake is None else stake
        who = trainer or self.trainers[seat]
        payout = self.payout(who)
        return self.pay("register", self.number, seat, payout, amount, [], amount=amount, caller=who)

    def payout(self, trainer: str) -> str:
        """The payout address that goes with a signing address."""
        return address("0x" + keccak256(b"payout" + trainer.encode())[:20].hex())

    def bond(self, poster: int = 0, results: int = 4) -> None:
        """A poster pays in the bond of so many results."""
        amount = results * self.params.bond
        self.pay("addBond", self.number, amount, amount=amount, caller=self.posters[poster])

    def start(self, holders: int = 3, **changes: Any) -> None:
        """A funded project with trainers and two bonded posters, nothing open."""
        self.create(**changes)
        self.fund()
        for seat in range(holders):
            self.register(seat)
        for poster in (0, 1):
            self.bond(poster)

    def open(self) -> int:
        """Opens the next round and returns its number."""
        self.call("open", self.number)
        return self.project.head

    def update(self, round_: int, seat: int) -> tuple[bytes, bytes]:
        """(update root, salt) of a seat: fixed, so that a reveal finds what was sealed."""
        what = f"{self.number}/{round_}/{seat}/{self.holder(seat)}".encode()
        return b"\xff" + keccak256(b"update" + what)[1:], keccak256(b"salt" + what)

    def seal_of(self, round_: int, seat: int) -> bytes:
        """The seal that goes with `update`."""
        base = self.project.rounds[round_].base_root if round_ in self.project.rounds else ZERO32
        place = (self.state.chain_id, self.state.market, self.number, round_, self.holder(seat))
        return short_seal(seal_hash(*place, base, *self.update(round_, seat)))

    def seal(self, round_: int, seat: int) -> list[Event]:
        """A seat seals."""
        return self.call(
            "seal", self.number, round_, seat, self.seal_of(round_, seat), caller=self.holder(seat)
        )

    def reveal(self, round_: int, seat: int) -> list[Event]:
        """A seat reveals what it sealed."""
        args = (*self.update(round_, seat), keccak256(b"file"))
        return self.call("reveal", self.number, round_, seat, *args, caller=self.holder(seat))

    def reference_seal(self, round_: int) -> bytes:
        """The seal that goes with the reference's `update`."""
        base = self.project.rounds[round_].base_root if round_ in self.project.rounds else ZERO32
        place = (self.state.chain_id, self.state.market, self.number, round_, REFERENCE)
        return short_seal(seal_hash(*place, base, *self.update(round_, self.params.seats)))

    def seal_reference(self, round_: int) -> list[Event]:
        """The reference seals."""
        seal = self.reference_seal(round_)
        return self.call("sealReference", self.number, round_, seal, caller=REFERENCE)

    def reveal_reference(self, round_: int) -> list[Event]:
        """The reference reveals what it sealed."""
        args = (*self.update(round_, self.params.seats), keccak256(b"file"))
        return self.call("revealReference", self.number, round_, *args, caller=REFERENCE)

    def refused(self, name: str, call: Callable[[], Any], **args: object) -> None:
        """The call is refused with this error (and these arguments) and changes nothing."""
        before = copy.deepcopy(self.state)
        with pytest.raises(RefusedError) as caught:
            call()
        assert self.state == before, "a refused call changed the state"
        assert caught.value.name == name
        assert {key: caught.value.args_[key] for key in args} == args

    # ----- results -----

    def draft(
        self,
        round_: int,
        included: Iterable[int] | None = None,
        files: bool = True,
        deltas: bool = True,
        paid: int | None = None,
        penalty: int = 0,
        tag: bytes = b"",
        reference: bool = True,
    ) -> tuple[Post, list[Account]]:
        """An honest post of a round (complete by default) and its accounts.

        Included seats share the pay; `penalty` is added to the account of the lowest seat left out.
        """
        it, facts = self.project, self.project.rounds[round_]
        replaced = it.results.get(round_) if round_ <= it.tip else None
        prev = replaced.prev if replaced else it.last_result
        below = it.results[prev]
        seats = sorted(self.seats_in(round_, is_revealed) if included is None else included)
        most = it.params.pot - it.params.fee if paid is None else paid
        total = most // max(len(seats), 1) * len(seats)  # what the accounts grow by, without a rest
        accounts = self._accounts(prev, seats, total, penalty)
        merged = facts.base_root == below.model_root
        model = keccak256(b"model" + bytes([round_]) + tag) if merged else below.model_root
        roots = Roots(
            sketches=keccak256(b"sketches" + tag),
            gram=keccak256(b"gram" + tag),
            steps=keccak256(b"steps" + tag),
            accounts=accounts_tree(accounts).root,
            columns=keccak256(b"columns") if it.params.seats > COLUMN_SEATS else ZERO32,
            delta=keccak256(b"delta" + tag),
            model=model,
        )
        rows = self._rows(round_, below.depth, files, deltas, reference)
        digests = (keccak256(b"delta file"), keccak256(b"model file"), keccak256(b"document"))
        current = (below.commitment, facts.reveal_sum, facts.reveal_count, total)
        return Post(*current, *digests, roots, bitmap_of(seats, it.params.seats), rows), accounts

    def _accounts(self, prev: int, included: list[int], paid: int, penalty: int) -> list[Account]:
        if prev == 0:
            accounts = [START_ACCOUNT] * self.params.seats
        else:
            accounts = list(self.posted[self.project.results[prev].commitment].accounts)
        for seat in included:
            accounts[seat] = replace(accounts[seat], pay=accounts[seat].pay + paid // len(included))
        left_out = [seat for seat in range(self.params.seats) if seat not in included]
        if penalty and left_out:
            account = accounts[left_out[0]]
            accounts[left_out[0]] = replace(account, penalty=account.penalty + penalty)
        return accounts

    def _rows(self, round_: int, depth: int, files: bool, deltas: bool, reference: bool) -> tuple[int, ...]:
        params = self.params
        shown = reference and is_revealed(self.project.rounds[round_].reference)
        rows = [((1 << min(params.delta_rows, depth)) - 1 if deltas else 0) | shown << params.delta_rows]
        for back in range(params.file_rounds):
            below = round_ - 1 - back
            revealed = self.seats_in(below, is_revealed) if files and below >= 1 else []
            rows += bitmap_of(revealed, params.seats)
        assert len(rows) == 1 + params.file_rounds * words(params.seats)
        return tuple(rows)

    def ask(self, round_: int, tree: RefutedTree, level: int, index: int, value: int = 10**6) -> int:
        """Anyone asks about the result of a round; the number of the ask."""
        posted = self.posted_for(round_)
        assert posted is not None
        self.call("ask", self.number, round_, posted.ask(tree, level, index), value=value)
        return self.state.ask_count

    def answer(self, id_: int, poster: int = 0) -> list[Event]:
        """A poster answers an ask about accounts."""
        ask = self.state.asks[id_]
        data = self.posted[ask.result.commitment].answer(ask.event.level, ask.event.index)
        return self.call("answer", id_, data, caller=self.posters[poster])

    def refute(self, round_: int, evidence: bytes, check: Check = Check.Gram) -> list[Event]:
        """Anyone refutes a number of a round's result; mock checks do as evidence says."""
        posted = self.posted_for(round_)
        assert posted is not None
        return self.call("refute", self.number, round_, posted.refutation(check, (1, 2, 3), evidence))

    def post(self, round_: int, poster: int = 0, **changes: Any) -> list[Event]:
        """A poster posts `draft`."""
        post, accounts = self.draft(round_, **changes)
        return self.send_post(round_, self.posters[poster], post, accounts)

    def send_post(self, round_: int, poster: str, post: Post, accounts: list[Account]) -> list[Event]:
        """Posts and remembers what claims need."""
        events = self.call("post", self.number, round_, post, caller=poster)
        commitment = self.project.results[round_].commitment
        self.posted[commitment] = Posted(round_, poster, post, accounts)
        return events

    # ----- getting somewhere -----

    def to_reveal(self, seats: Iterable[int] | None = None) -> int:
        """Opens a round and lets seats, and the reference if there is one, seal until REVEAL runs."""
        round_ = self.open()
        for seat in self._who(seats):
            if self.phase(round_) is Phase.COMMIT:  # the seal before may have ended it
                self.seal(round_, seat)
            if self.params.reference_key == REFERENCE and self.project.rounds[round_].reference == ZERO32:
                self.seal_reference(round_)
        if self.phase(round_) is Phase.COMMIT:
            self.now = self.project.rounds[round_].commit_end
        return round_

    def to_aggregate(
        self, seats: Iterable[int] | None = None, revealing: Container[int] | None = None
    ) -> int:
        """... and reveal, until AGGREGATE waits for a result."""
        round_ = self.to_reveal(seats)
        for seat in self.seats_in(round_, is_sealed):
            if revealing is None or seat in revealing:
                self.reveal(round_, seat)
        if is_sealed(self.project.rounds[round_].reference):
            self.reveal_reference(round_)
        if self.phase(round_) is Phase.REVEAL:
            self.now = self.project.rounds[round_].reveal_end
        return round_

    def to_standing(self, poster: int = 0, **changes: Any) -> int:
        """... and a result; a complete one stands at once."""
        round_ = self.to_aggregate()
        self.post(round_, poster, **changes)
        return round_

    def to_final(self, poster: int = 0, **changes: Any) -> int:
        """... and the challenge window over."""
        round_ = self.to_standing(poster, **changes)
        stands = self.project.results[round_].stands_at
        self.now = max(self.now, stands) + self.params.windows.challenge
        self.call("finalise", self.number, round_)
        return round_

    def _who(self, seats: Iterable[int] | None) -> list[int]:
        return self.held_seats() if seats is None else sorted(seats)


__all__ = [
    "CONTENT",
    "REFERENCE",
    "START_CLAIM",
    "Claim",
    "Posted",
    "World",
    "is_sealed",
    "someone",
    "spec_driver",
]
