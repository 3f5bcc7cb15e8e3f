"""Random play on specification and contract together; see README.md beside it.

A step is one call, valid or not; both must take it or refuse it alike, with the same events and views after it.
Each run starts in the given stage, time is drawn around deadlines, and at its end everything is drained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from market.devnet import dev_account
from market.duties import advance_duties
from market.errors import RefusedError
from market.keccak import keccak256
from market.params import MINIMAL
from market.phases import Phase, may_follow
from market.refutation import Check, Tree
from market.seals import is_revealed, is_sealed
from market.spec import State
from market.units import NATIVE, ZERO_ADDRESS
from tests.stateful.drain import drain
from tests.stateful.menu import CORRUPT_CLAIM, CORRUPT_POST, PLACES, PRICE
from tests.stateful.oracle import RIGHT, WRONG
from tests.stateful.pair import Chain, Pair
from tests.stateful.stages import STAGES
from tests.stateful.world import REFERENCE, World, someone

SEATS = st.sampled_from([0, 1, 2, 3, 0, 1, 2, 3, 4])  # rarely one beyond the limit
POSTERS = st.integers(0, 2)
BACK = st.integers(0, 3)  # rounds below the one after the head
OFFSETS = st.sampled_from([0, -1, 1])
REFERENCE_TOO = 7


def mostly_sound(corruptions: dict[str, Any]) -> st.SearchStrategy[str]:
    """An empty name in four of five draws, else that of a corruption."""
    return st.one_of(*[st.just("")] * 4, st.sampled_from(sorted(corruptions)))


class MarketMachine(RuleBasedStateMachine):
    """Rules are the contract's calls. The test sets `chain` and `stage`; `reached` outlives runs."""

    chain: ClassVar[Chain]
    stage: ClassVar[str]
    reached: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.saved = self.chain.request("evm_snapshot")
        people: list[str] = [dev_account(number).address for number in range(12)]
        self.state = State(self.chain.chain_id, self.chain.market, MINIMAL.limits)
        self.pair = Pair(self.chain, self.state, people, quiet=True)
        start = self.chain.start
        self.world = World(self.state, self.pair, start, people[:6], people[6:9], people[9], people[10])
        payouts = [self.world.payout(who) for who in people[:6]]
        self.pair.people = [*people, *payouts]
        self.chain.fund(self.pair.people)
        self.phases: dict[int, Phase] = {}

    # ----- helpers -----

    def attempt(self, call: Callable[[], Any], name: str) -> bool:
        """Makes a call that may be refused; counts what happened."""
        try:
            call()
        except RefusedError as refusal:
            note(f"{name} at {self.world.now} refused: {refusal}")
            self.reached[f"{name}: {refusal.name}"] += 1
            return False
        note(f"{name} at {self.world.now}")
        self.reached[name] += 1
        return True

    def call(self, name: str, *args: Any, caller: str | None = None, value: int = 0) -> bool:
        """A call about the project that may be refused."""
        world = self.world
        return self.attempt(lambda: world.call(name, world.number, *args, caller=caller, value=value), name)

    def back(self, back: int) -> int:
        """A round by its distance from the one after the head; 0 is the start."""
        return max(self.world.project.head + 1 - back, 0)

    def claim_args(self, round_: int, seat: int, corruption: str) -> tuple[Any, ...]:
        """What `claim`, `leave` and `evict` need, perhaps corrupted."""
        found = self.world.claim_at(round_, min(seat, 3))
        return (CORRUPT_CLAIM[corruption](found) if corruption else found).args

    # ----- beginning -----

    @initialize(
        open_rounds=st.integers(1, 3),
        expected_seats=st.integers(2, 4),
        fee_bps=st.sampled_from([333, 0, 1000]),
        min_stake=st.sampled_from([15_000, 5_000]),
        bond_floor=st.sampled_from([0, 40_000]),
        reference_key=st.sampled_from([REFERENCE, ZERO_ADDRESS]),
    )
    def begin(self, open_rounds: int, **changes: Any) -> None:
        """A bystander project, then ours in its stage."""
        self.world.create(seats=1, min_seals=1, expected_seats=1)
        self.world.fund(2)
        stage = STAGES[self.stage]
        open_rounds = max(open_rounds, 2) if stage.needs_two_rounds else open_rounds
        self.world.start(open_rounds=open_rounds, **{**changes, **stage.terms})
        stage.go(self.world)
        self.pair.quiet = False
        self.pair.compare(self.world.now)

    # ----- the usual course -----

    @rule(pick=st.integers(0, 3), offset=OFFSETS)
    def wait(self, pick: int, offset: int) -> None:
        """To a moment at which something changes, or a second before or after it."""
        moments = sorted({at for at in self.world.moments() if at + offset > self.world.now})
        if moments:
            self.world.now = moments[min(pick, len(moments) - 1)] + offset

    @rule(leave_out=st.integers(0, 7))
    def everybody_moves_on(self, leave_out: int) -> None:
        """All seats but perhaps one do what the head asks for; else somebody posts; else anybody's duty."""
        world, head = self.world, self.world.project.head
        above = world.project.tip + 1
        due = advance_duties(world.snapshot())
        if world.phase(head) is Phase.COMMIT and head not in [duty.round for duty in due]:
            for seat in world.held_seats():
                if seat != leave_out:
                    self._seal(head, seat, world.signer(seat))
            if leave_out != REFERENCE_TOO:
                self._seal_reference(head)
        elif world.phase(head) is Phase.REVEAL:
            for seat in world.seats_in(head, is_sealed):
                if seat != leave_out:
                    self._reveal(head, seat)
            if leave_out != REFERENCE_TOO:
                self._reveal_reference(head)
        elif world.phase(above) is Phase.AGGREGATE:
            any(self._post(above, poster) for poster in range(3))
        elif due:
            self.call(str(due[0].kind), *due[0].arguments(world.number)[1:])

    def _seal(self, round_: int, seat: int, signer: str) -> bool:
        return self.call("seal", round_, seat, self.world.seal_of(round_, seat), caller=signer)

    def _reveal(self, round_: int, seat: int, wrong: bool = False) -> bool:
        root, salt = self.world.update(round_, seat)
        root = keccak256(root) if wrong else root
        signer = self.world.signer(seat)
        return self.call("reveal", round_, seat, root, salt, keccak256(b"file"), caller=signer)

    def _post(self, round_: int, poster: int, corruption: str = "", **changes: Any) -> bool:
        world, who = self.world, self.world.posters[poster]
        post, accounts = world.draft(round_, tag=bytes([poster]), **changes)
        if corruption:
            post = CORRUPT_POST[corruption](post)
        return self.attempt(lambda: world.send_post(round_, who, post, accounts), "post")

    # ----- single calls -----

    @rule(back=st.integers(1, 2), seat=SEATS, stranger=st.integers(0, 11))
    def seal(self, back: int, seat: int, stranger: int) -> None:
        signer = self.world.trainers[stranger] if stranger < 3 else self.world.signer(seat)
        self._seal(self.back(back), seat, signer)

    @rule(back=st.integers(1, 2), seat=SEATS, wrong=st.sampled_from([False, False, False, True]))
    def reveal(self, back: int, seat: int, wrong: bool) -> None:
        self._reveal(self.back(back), seat, wrong)

    @rule(back=st.integers(1, 2), owner=st.sampled_from([False, False, False, True]))
    def seal_reference(self, back: int, owner: bool) -> None:
        self._seal_reference(self.back(back), owner)

    @rule(back=st.integers(1, 2), wrong=st.sampled_from([False, False, False, True]))
    def reveal_reference(self, back: int, wrong: bool) -> None:
        self._reveal_reference(self.back(back), wrong)

    def _seal_reference(self, round_: int, owner: bool = False) -> bool:
        caller = self.world.owner if owner else REFERENCE
        return self.call("sealReference", round_, self.world.reference_seal(round_), caller=caller)

    def _reveal_reference(self, round_: int, wrong: bool = False) -> bool:
        root, salt = self.world.update(round_, self.world.params.seats)
        root = keccak256(root) if wrong else root
        return self.call("revealReference", round_, root, salt, keccak256(b"file"), caller=REFERENCE)

    @rule(
        back=BACK,
        poster=POSTERS,
        seats=st.sampled_from(["all", "all", "one", "odd"]),
        files=st.booleans(),
        deltas=st.booleans(),
        reference=st.sampled_from([True, True, False]),
        paid=st.sampled_from([None, None, 0, 30]),
        penalty=st.sampled_from([0, 0, 1_000, 5_000, 20_000]),
        corruption=mostly_sound(CORRUPT_POST),
    )
    def post(self, back: int, poster: int, seats: str, corruption: str, **changes: Any) -> None:
        """A post of the round above the tip, of the tip, or of another."""
        tip = self.world.project.tip
        round_ = {0: tip + 1, 1: tip}.get(back, self.back(back))
        if round_ in self.world.project.rounds:
            revealed = self.world.seats_in(round_, is_revealed)
            included = {"all": revealed, "one": revealed[:1], "odd": revealed[1::2]}[seats]
            self._post(round_, poster, corruption, included=included, **changes)

    @rule(
        back=BACK, name=st.sampled_from(["voidRound", "flatten", "clear", "release", "finalise", "convict"])
    )
    def settle(self, back: int, name: str) -> None:
        round_ = {0: self.world.project.tip, 1: self.world.project.last_final + 1}.get(back, self.back(back))
        self.call(name, round_, *([self.world.anyone] if name == "convict" else []))

    @rule(back=BACK, right=st.booleans(), row=st.integers(0, 3), hidden=st.booleans())
    def refute(self, back: int, right: bool, row: int, hidden: bool) -> None:
        """A refutation that the check finds right or not; of a file that nobody revealed without evidence."""
        round_ = {0: self.world.project.tip}.get(back, self.back(back))
        posted = self.world.posted_for(round_)
        if posted is None:
            return
        slot = self.world.project.rounds[round_].slots.get(row, bytes(32))
        hidden = hidden and posted.post.included[0] >> row & 1 == 1 and not is_revealed(slot)
        check = Check.Update if hidden else Check.Gram
        evidence = b"" if hidden else RIGHT if right else WRONG
        self.call("refute", round_, posted.refutation(check, (row, 0, 0), evidence))

    @rule(back=BACK, place=st.sampled_from(PLACES), value=st.sampled_from([PRICE, PRICE, 1]))
    def ask(self, back: int, place: tuple[Tree, int, int, int], value: int) -> None:
        round_ = {0: self.world.project.tip}.get(back, self.back(back))
        posted = self.world.posted_for(round_)
        if posted is not None:
            self.call("ask", round_, posted.ask(*place), value=value)

    @rule(pick=st.integers(0, 3), name=st.sampled_from(["answer", "answer", "convictSilent", "settleAsk"]))
    def end_an_ask(self, pick: int, name: str) -> None:
        """Answered as well as the poster can, or ended without an answer."""
        asks = sorted(self.state.asks) or [self.state.ask_count + 1]
        id_ = asks[pick % len(asks)]
        args: tuple[Any, ...] = (id_,)
        if name == "answer":
            ask = self.state.asks.get(id_)
            genuine = ask is not None and ask.event.tree is Tree.Accounts
            data = b""
            if ask is not None and genuine:
                data = self.world.posted[ask.result.commitment].answer(ask.event.level, ask.event.index)
            args = (id_, data)
        self.attempt(lambda: self.world.call(name, *args), name)

    @rule(name=st.sampled_from(["open", "skip", "refund", "open", "skip", "stop"]), owner=st.booleans())
    def about_the_project(self, name: str, owner: bool) -> None:
        self.call(name, caller=self.world.owner if owner else None)

    @rule(seconds=st.sampled_from([0, 0, 0, 0, -1, 1]), last=st.integers(0, 3))
    def end(self, seconds: int, last: int) -> None:
        """Rarely: to the end date."""
        if seconds and last == 3:
            self.world.now = max(self.world.now, self.world.params.end_date + seconds - 1)

    # ----- money and seats -----

    @rule(seat=SEATS, who=st.integers(0, 5), less=st.sampled_from([0, 0, 1]))
    def register(self, seat: int, who: int, less: int) -> None:
        trainer, stake = self.world.trainers[who], self.world.params.min_stake - less
        self.attempt(lambda: self.world.register(seat, trainer, stake), "register")

    @rule(back=BACK, seat=SEATS, corruption=mostly_sound(CORRUPT_CLAIM))
    def claim(self, back: int, seat: int, corruption: str) -> None:
        round_ = self.world.project.last_final if back < 2 else self.back(back)
        self.call("claim", round_, seat, *self.claim_args(round_, seat, corruption))

    @rule(back=BACK, seat=SEATS, tenure=st.sampled_from([0, 0, 1, 2]))
    def claim_flat(self, back: int, seat: int, tenure: int) -> None:
        flat = [number for number, facts in self.world.project.rounds.items() if facts.flat]
        self.call("claimFlat", flat[back % len(flat)] if flat else self.back(back), seat, tenure)

    @rule(
        seat=SEATS,
        name=st.sampled_from(["leave", "evict"]),
        corruption=mostly_sound(CORRUPT_CLAIM),
        stranger=st.sampled_from([False, False, True]),
    )
    def leave_or_evict(self, seat: int, name: str, corruption: str, stranger: bool) -> None:
        args = self.claim_args(self.world.project.last_final, seat, corruption)
        self.call(name, seat, *args, caller=None if stranger else self.world.signer(seat))

    @rule(
        kind=st.sampled_from(["fund", "addBond", "removeBond", "addStake", "withdraw", "burn"]),
        who=st.integers(0, 11),
        share=st.integers(0, 2),
        extra=st.sampled_from([0, 0, 0, 1]),
    )
    def money(self, kind: str, who: int, share: int, extra: int) -> None:
        """Money in and out, now and then one unit too much."""
        world, poster = self.world, self.world.posters[who % 3]
        amount = 7_500 * share
        if kind in ("fund", "addBond"):
            self.call(kind, amount, caller=poster, value=amount + extra)
        elif kind == "addStake":
            self.call(kind, who % 5, amount, value=amount + extra)
        elif kind == "removeBond":
            pool = world.project.aggregator(poster)
            kept = max(pool.locked, world.params.bond_floor) if pool.locked else 0
            self.call(kind, max(pool.bond - kept, 0) * share // 2 + extra, caller=poster)
        elif kind == "withdraw":
            accounts = sorted(account for _, account in self.state.credits) or [world.owner]
            token, caller = someone(9) if extra else NATIVE, accounts[who % len(accounts)]
            self.attempt(lambda: world.call(kind, token, world.anyone, caller=caller), kind)
        else:
            self.attempt(lambda: world.call(kind, NATIVE), kind)

    # ----- always -----

    @invariant()
    def only_edges_of_the_diagram(self) -> None:
        """I-15, I-19: a later phase is reachable from an earlier one; terminal ones stay."""
        if not self.world.number:
            return
        for number, facts in self.world.project.rounds.items():
            before, after = self.phases.get(number, Phase.COMMIT), self.world.phase(number)
            settled = facts.voided or facts.seal_count > 0
            assert may_follow(before, after, seal_count=int(settled)), f"round {number}: {before} -> {after}"
            self.phases[number] = after
            self.reached[f"phase {after.name}"] += 1

    @invariant()
    def at_most_d_rounds_are_open(self) -> None:
        """I-20."""
        if self.world.number:
            assert self.world.project.open_count <= self.world.params.open_rounds

    def teardown(self) -> None:
        """I-17, I-18: from any state, time and anybody lead to an empty market."""
        try:
            if self.world.number > 1:
                self.pair.quiet = True
                drain(self.world, self.reached)
                self.pair.compare(self.world.now)
        finally:
            self.chain.request("evm_revert", self.saved)
