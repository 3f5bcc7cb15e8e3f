"""Random play on specification and contract together; see README.md beside it.

A step is one call, valid or not; both must take it or refuse it alike, with the same events and views after it.
Each run starts in a drawn stage, time is drawn around deadlines, and at its end everything is drained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from market.devnet import dev_account
from market.errors import RefusedError
from market.keccak import keccak256
from market.params import MINIMAL
from market.phases import Phase, may_follow
from market.records import Post
from market.seals import is_revealed, is_sealed
from market.spec import State
from market.units import NATIVE, ZERO32
from tests.stateful.drain import drain
from tests.stateful.pair import Chain, Pair
from tests.stateful.stages import STAGES
from tests.stateful.world import Claim, World, someone

SEATS = st.integers(0, 4)  # one beyond the limit
POSTERS = st.integers(0, 2)
BACK = st.integers(0, 3)  # rounds below the one after the head
OFFSETS = st.sampled_from([-1, 0, 0, 1])
CORRUPT_POST: dict[str, Callable[[Post], Post]] = {
    "prev": lambda p: replace(p, prev_commitment=keccak256(b"other")),
    "sum": lambda p: replace(p, reveal_sum=p.reveal_sum ^ 1),
    "count": lambda p: replace(p, reveal_count=p.reveal_count + 1),
    "paid": lambda p: replace(p, paid=p.paid + 10**6),
    "model": lambda p: replace(p, roots=replace(p.roots, model=keccak256(b"moved"))),
    "zero": lambda p: replace(p, roots=replace(p.roots, accounts=ZERO32)),
    "columns": lambda p: replace(p, roots=replace(p.roots, columns=keccak256(b"columns"))),
    "included": lambda p: replace(p, included=(15,)),
    "nobody": lambda p: replace(p, included=(0,)),
    "range": lambda p: replace(p, included=(1 << 200,)),
    "rows": lambda p: replace(p, rows=(p.rows[0], *(15 for _ in p.rows[1:]))),
    "deltas": lambda p: replace(p, rows=(15, *p.rows[1:])),
    "length": lambda p: replace(p, rows=p.rows[:-1]),
}
CORRUPT_CLAIM: dict[str, Callable[[Claim], Claim]] = {
    "pay": lambda c: replace(c, account=replace(c.account, pay=c.account.pay + 1)),
    "opening": lambda c: replace(c, opening=replace(c.opening, workings=keccak256(b"other"))),
    "short": lambda c: replace(c, proof=c.proof[:-1]),
    "long": lambda c: replace(c, proof=(*c.proof, ZERO32)),
    "bit": lambda c: replace(c, proof=(keccak256(b"other"), *c.proof[1:])),
}
RARELY = {"none": 4, "some": 1}


def mostly_sound(corruptions: dict[str, Any]) -> st.SearchStrategy[str]:
    """A corruption in one of five draws, else an empty name."""
    return st.one_of(*[st.just("")] * RARELY["none"], st.sampled_from(sorted(corruptions)))


class MarketMachine(RuleBasedStateMachine):
    """Rules are the contract's calls; `chain` is set by the test, `reached` outlives runs."""

    chain: ClassVar[Chain]
    reached: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.saved = self.chain.request("evm_snapshot")
        people: list[str] = [dev_account(number).address for number in range(12)]
        self.state = State(self.chain.chain_id, self.chain.market, MINIMAL.limits)
        pair = Pair(self.chain, self.state, people)
        self.world = World(self.state, pair, self.chain.start, people[:6], people[6:9], people[9], people[10])
        payouts = [self.world.payout(who) for who in people[:6]]
        pair.people += payouts
        self.chain.fund([*people, *payouts])
        self.phases: dict[int, Phase] = {}

    # ----- helpers -----

    def attempt(self, call: Callable[[], Any], name: str) -> bool:
        """Makes a call that may be refused; counts what happened."""
        try:
            call()
        except RefusedError as refusal:
            note(f"{name} refused: {refusal}")
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

    # ----- beginning -----

    @initialize(
        stage=st.sampled_from(sorted(STAGES)),
        open_rounds=st.integers(1, 3),
        expected=st.integers(2, 4),
        fee=st.sampled_from([0, 333, 1000]),
        min_stake=st.sampled_from([5_000, 15_000]),
        floor=st.sampled_from([0, 40_000]),
    )
    def begin(self, stage: str, **changes: int) -> None:
        """A bystander project, then ours in a drawn stage."""
        self.world.create(seats=1, min_seals=1, expected_seats=1)
        self.world.fund(2)
        note(f"stage {stage}")
        names = {"expected": "expected_seats", "fee": "fee_bps", "floor": "bond_floor"}
        self.world.start(**{names.get(key, key): value for key, value in changes.items()})
        STAGES[stage](self.world)
        self.reached[f"stage {stage}"] += 1

    # ----- time -----

    @rule(pick=st.integers(0, 100), offset=OFFSETS)
    def wait(self, pick: int, offset: int) -> None:
        """To a moment at which something changes, or a second before or after it."""
        moments = sorted(at for at in self.world.moments() if at + offset > self.world.now)
        if moments:
            self.world.now = moments[pick % min(len(moments), 4)] + offset

    @rule(last=st.integers(0, 30), offset=OFFSETS)
    def end(self, last: int, offset: int) -> None:
        """Rarely: to the end date."""
        if last == 30:
            self.world.now = max(self.world.now, self.world.params.end_date + offset)

    # ----- owner and money -----

    @rule(amount=st.sampled_from([0, 1, 10_000]), extra=st.sampled_from([0, 0, 0, 1]))
    def fund(self, amount: int, extra: int) -> None:
        self.call("fund", amount, value=amount + extra)

    @rule(owner=st.booleans(), last=st.integers(0, 20))
    def stop(self, owner: bool, last: int) -> None:
        if last == 20 or not owner:
            self.call("stop", caller=self.world.owner if owner else None)

    @rule()
    def refund(self) -> None:
        self.call("refund")

    @rule(who=st.integers(0, 20), token=st.sampled_from([NATIVE, NATIVE, someone(9)]))
    def withdraw(self, who: int, token: str) -> None:
        accounts = sorted(account for of, account in self.state.credits) or [self.world.owner]
        caller = accounts[who % len(accounts)]
        self.attempt(lambda: self.world.call("withdraw", token, self.world.anyone, caller=caller), "withdraw")

    @rule()
    def burn(self) -> None:
        self.attempt(lambda: self.world.call("burn", NATIVE), "burn")

    @rule(poster=POSTERS, amount=st.sampled_from([1, 15_000, 40_000]))
    def add_bond(self, poster: int, amount: int) -> None:
        self.call("addBond", amount, caller=self.world.posters[poster], value=amount)

    @rule(poster=POSTERS, share=st.sampled_from([0, 1, 2]), extra=st.sampled_from([0, 1]))
    def remove_bond(self, poster: int, share: int, extra: int) -> None:
        pool = self.world.project.aggregator(self.world.posters[poster])
        free = pool.bond - (max(pool.locked, self.world.params.bond_floor) if pool.locked else 0)
        amount = max(free, 0) * share // 2 + extra
        self.call("removeBond", amount, caller=self.world.posters[poster])

    # ----- trainers -----

    @rule(seat=SEATS, who=st.integers(0, 5), less=st.sampled_from([0, 0, 1]))
    def register(self, seat: int, who: int, less: int) -> None:
        trainer = self.world.trainers[who]
        stake = self.world.params.min_stake - less
        self.attempt(lambda: self.world.register(seat, trainer, stake), "register")

    @rule(seat=SEATS, amount=st.sampled_from([1, 5_000]))
    def add_stake(self, seat: int, amount: int) -> None:
        self.call("addStake", seat, amount, value=amount)

    @rule(back=st.integers(1, 2), seat=SEATS, caller=st.sampled_from([None, None, None, 0]))
    def seal(self, back: int, seat: int, caller: int | None) -> None:
        round_ = self.back(back)
        signer = self.world.signer(seat) if caller is None else self.world.trainers[caller]
        self.call("seal", round_, seat, self.world.seal_of(round_, seat), caller=signer)

    @rule(back=st.integers(1, 2), seat=SEATS, wrong=st.sampled_from([False, False, False, True]))
    def reveal(self, back: int, seat: int, wrong: bool) -> None:
        round_ = self.back(back)
        root, salt = self.world.update(round_, seat)
        root = keccak256(root) if wrong else root
        self.call("reveal", round_, seat, root, salt, keccak256(b"file"), caller=self.world.signer(seat))

    @rule(leave_out=st.integers(0, 7))
    def everybody_seals(self, leave_out: int) -> None:
        """All holders but perhaps one seal in the head."""
        head = self.world.project.head
        for seat in self.world.held_seats():
            if seat != leave_out and self.world.phase(head) is Phase.COMMIT:
                self.call("seal", head, seat, self.world.seal_of(head, seat), caller=self.world.signer(seat))

    @rule(leave_out=st.integers(0, 7))
    def everybody_reveals(self, leave_out: int) -> None:
        """All that sealed in the head but perhaps one reveal."""
        head = self.world.project.head
        if head and self.world.phase(head) is Phase.REVEAL:
            for seat in self.world.seats_in(head, is_sealed):
                if seat != leave_out:
                    self.attempt(lambda seat=seat: self.world.reveal(head, seat), "reveal")  # type: ignore[misc]

    @rule(back=BACK, seat=SEATS, corruption=mostly_sound(CORRUPT_CLAIM))
    def claim(self, back: int, seat: int, corruption: str) -> None:
        round_ = self.world.project.last_final if back < 2 else self.back(back)
        self.call("claim", round_, seat, *self.claim_args(round_, seat, corruption))

    def claim_args(self, round_: int, seat: int, corruption: str) -> tuple[Any, ...]:
        found = self.world.claim_at(round_, min(seat, 3))
        return (CORRUPT_CLAIM[corruption](found) if corruption else found).args

    @rule(back=BACK, seat=SEATS, tenure=st.integers(0, 2))
    def claim_flat(self, back: int, seat: int, tenure: int) -> None:
        flat = [number for number, facts in self.world.project.rounds.items() if facts.flat]
        round_ = flat[back % len(flat)] if flat else self.back(back)
        self.call("claimFlat", round_, seat, tenure)

    @rule(
        seat=SEATS,
        evict=st.booleans(),
        corruption=mostly_sound(CORRUPT_CLAIM),
        holder=st.sampled_from([1, 1, 0]),
    )
    def leave_or_evict(self, seat: int, evict: bool, corruption: str, holder: int) -> None:
        args = self.claim_args(self.world.project.last_final, seat, corruption)
        caller = self.world.signer(seat) if holder else None
        self.call("evict" if evict else "leave", seat, *args, caller=caller)

    # ----- rounds -----

    @rule()
    def open(self) -> None:
        self.call("open")

    @rule(back=BACK, name=st.sampled_from(["voidRound", "flatten", "clear", "release", "finalise"]))
    def settle(self, back: int, name: str) -> None:
        self.call(name, self.back(back))

    @rule()
    def skip(self) -> None:
        self.call("skip")

    @rule(back=BACK, last=st.integers(0, 2))
    def convict(self, back: int, last: int) -> None:
        if last == 2:
            self.call("convict", self.back(back), self.world.anyone)

    @rule(
        back=BACK,
        poster=POSTERS,
        seats=st.sampled_from(["all", "all", "all", "one", "odd"]),
        files=st.booleans(),
        deltas=st.booleans(),
        paid=st.sampled_from([None, None, 0, 3]),
        penalty=st.sampled_from([0, 0, 1_000, 5_000, 20_000]),
        corruption=mostly_sound(CORRUPT_POST),
    )
    def post(self, back: int, poster: int, seats: str, corruption: str, penalty: int, **changes: Any) -> None:
        """A post of the round above the tip, of the tip, or of another."""
        world = self.world
        round_ = {0: world.project.tip, 1: world.project.tip + 1}.get(back, self.back(back))
        if round_ not in world.project.rounds:
            return
        revealed = world.seats_in(round_, is_revealed)
        included = {"all": revealed, "one": revealed[:1], "odd": revealed[1::2]}[seats]
        tag = bytes([poster, len(included)])
        post, accounts = world.draft(round_, included, penalty=penalty, tag=tag, **changes)
        if corruption:
            post = CORRUPT_POST[corruption](post)
        self.attempt(lambda: world.send_post(round_, world.posters[poster], post, accounts), "post")

    @rule()
    def finish_round(self) -> None:
        """The poster in line posts a complete result of the round above the tip, if that waits for one."""
        world = self.world
        above = world.project.tip + 1
        if world.phase(above) is Phase.AGGREGATE:
            for poster in range(3):
                post, accounts = world.draft(above)
                who = world.posters[poster]
                if self.attempt(lambda who=who: world.send_post(above, who, post, accounts), "post"):  # type: ignore[misc] # noqa: B023
                    break

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
                drain(self.world, self.reached)
        finally:
            self.chain.request("evm_revert", self.saved)
