"""What can be tried in any state: each call of the contract in the ways that matter, sound and unsound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from market.keccak import keccak256
from market.records import Post
from market.refutation import Below, Check, Tree
from market.seals import is_revealed
from market.units import NATIVE, ZERO32, ZERO_ADDRESS, bytes32
from tests.stateful.oracle import RIGHT, WRONG
from tests.stateful.posted import Claim
from tests.stateful.world import REFERENCE, World, someone

Try = tuple[str, Callable[[], Any]]
"""(name of the contract's function, the call)."""

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
    "reference": lambda p: replace(p, rows=(p.rows[0] ^ 8, *p.rows[1:])),
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


def menu(world: World) -> Iterator[Try]:
    """Everything worth trying now."""
    yield from _owner(world)
    yield from _bonds(world)
    yield from _seats(world)
    yield from timed(world)
    yield from _corrupted_rounds(world)
    yield from _refutations(world)
    yield from _asks(world, PLACES)
    yield from _corrupted_asks(world)
    yield from _answers(world)
    yield from _exits(world)


def timed(world: World) -> Iterator[Try]:
    """The calls whose fate hangs on the time."""
    number = world.number
    yield "open", partial(world.call, "open", number)
    yield "refund", partial(world.call, "refund", number)
    yield from _asks(world, PLACES[:1])
    for id_ in [*world.state.asks, world.state.ask_count + 1]:
        for name in ("convictSilent", "settleAsk"):
            yield name, partial(world.call, name, id_)
    rounds = _near(world)
    for round_ in rounds:
        for name in ("voidRound", "flatten", "finalise"):
            yield name, partial(world.call, name, number, round_)
        for seat in (0, 2):
            yield "seal", partial(_seal, world, round_, seat)
            yield "reveal", partial(_reveal, world, round_, seat)
        yield "sealReference", partial(world.seal_reference, round_)
        yield "revealReference", partial(world.reveal_reference, round_)
    for round_ in {world.project.tip, world.project.tip + 1} & set(world.project.rounds):
        for poster in range(3):
            yield "post", partial(_post, world, round_, poster)
        yield "post", partial(_post, world, round_, 1, included=world.seats_in(round_, is_revealed)[:1])


def _near(world: World) -> list[int]:
    return list(range(max(world.project.head - 2, 0), world.project.head + 2))


def _seal(world: World, round_: int, seat: int, caller: str | None = None) -> None:
    seal = world.seal_of(round_, seat)
    world.call("seal", world.number, round_, seat, seal, caller=caller or world.signer(seat))


def _reveal(world: World, round_: int, seat: int) -> None:
    args = (*world.update(round_, seat), keccak256(b"file"))
    world.call("reveal", world.number, round_, seat, *args, caller=world.signer(seat))


def _post(world: World, round_: int, poster: int, corruption: str = "", **changes: Any) -> None:
    post, accounts = world.draft(round_, **changes)
    if corruption:
        post = CORRUPT_POST[corruption](post)
    world.send_post(round_, world.posters[poster], post, accounts)


def _owner(world: World) -> Iterator[Try]:
    number, owner = world.number, world.owner
    for amount, value in ((1, 1), (1, 2), (0, 0), (2**96 - 1, 1)):
        yield "fund", partial(world.call, "fund", number, amount, value=value)
    yield "fund", partial(world.call, "fund", 99, 1, value=1)
    for caller in (owner, None):
        yield "stop", partial(world.call, "stop", number, caller=caller)
    yield "skip", partial(world.call, "skip", number)
    yield "burn", partial(world.call, "burn", NATIVE)
    for who in (owner, world.posters[0], world.payout(world.trainers[0])):
        yield "withdraw", partial(world.call, "withdraw", NATIVE, world.anyone, caller=who)
    yield "withdraw", partial(world.call, "withdraw", NATIVE, ZERO_ADDRESS, caller=owner)
    yield "withdraw", partial(world.call, "withdraw", someone(9), owner, caller=owner)


def _bonds(world: World) -> Iterator[Try]:
    number, bond = world.number, world.params.bond
    for poster in world.posters:
        yield "addBond", partial(world.call, "addBond", number, bond, caller=poster, value=bond)
        pool = world.project.aggregator(poster)
        kept = max(pool.locked, world.params.bond_floor) if pool.locked else 0
        for amount in {0, 1, pool.bond - kept, pool.bond - kept + 1}:
            if amount >= 0:
                yield "removeBond", partial(world.call, "removeBond", number, amount, caller=poster)


def _seats(world: World) -> Iterator[Try]:
    number, stake = world.number, world.params.min_stake
    for seat, trainer in ((3, 5), (0, 5), (3, 0), (4, 5)):
        yield "register", partial(world.register, seat, world.trainers[trainer])
    yield "register", partial(world.register, 3, world.trainers[5], stake - 1)
    nobody: tuple[Any, ...] = (number, 3, ZERO_ADDRESS, stake, [])
    yield "register", partial(world.call, "register", *nobody, caller=world.trainers[5], value=stake)
    for seat in (0, 3, 4):
        yield "addStake", partial(world.call, "addStake", number, seat, 1, value=1)


def _corrupted_rounds(world: World) -> Iterator[Try]:
    number, head = world.number, world.project.head
    for seal in (ZERO32, bytes32(2**216)):
        yield "seal", partial(world.call, "seal", number, head, 0, seal, caller=world.signer(0))
    yield "seal", partial(_seal, world, head, 0, world.anyone)
    yield "seal", partial(_seal, world, head, 1024)
    for root in (keccak256(b"other"), bytes32(2**216 - 1)):
        args = ("reveal", number, head, 1, root, ZERO32, ZERO32)
        yield "reveal", partial(world.call, *args, caller=world.signer(1))
    yield from _corrupted_reference(world, head)
    above = {world.project.tip, world.project.tip + 1} & set(world.project.rounds)
    for round_ in above:
        for corruption in CORRUPT_POST:
            yield "post", partial(_post, world, round_, 1, corruption)
        yield "post", partial(_post, world, round_, 1, files=False, deltas=False)
        yield "post", partial(_post, world, round_, 1, reference=False)
    for round_ in _near(world):
        yield "convict", partial(world.call, "convict", number, round_, someone(80))
        for name in ("clear", "release"):
            yield name, partial(world.call, name, number, round_)


def _corrupted_reference(world: World, head: int) -> Iterator[Try]:
    number, seal = world.number, world.reference_seal(head)
    for caller in (world.owner, world.signer(0)):
        yield "sealReference", partial(world.call, "sealReference", number, head, seal, caller=caller)
    for odd in (ZERO32, bytes32(2**216)):
        yield "sealReference", partial(world.call, "sealReference", number, head, odd, caller=REFERENCE)
    for root in (keccak256(b"other"), bytes32(2**216 - 1)):
        args = ("revealReference", number, head, root, ZERO32, ZERO32)
        for caller in (REFERENCE, world.owner):
            yield "revealReference", partial(world.call, *args, caller=caller)
    yield "register", partial(world.register, 3, REFERENCE)


PLACES = [
    (Tree.Accounts, 0, 3, 0),
    (Tree.Accounts, 2, 0, 0),
    (Tree.Steps, 9, 1, 0),
    (Tree.Accounts, 0, 4, 0),
    (Tree.Columns, 0, 0, 0),
    (Tree.Delta, 2, 1, 0),
    (Tree.Delta, 0, 0, 1),
    (Tree.Update, 0, 3, 0),
    (Tree.Update, 0, 0, 5),
    (Tree.Update, 1, 0, 4),
    (Tree.Sketches, 0, 0, 0),
]
"""(tree, level, index, row) to ask for; some are nowhere."""
PRICE = 10**6
"""Above that of any answer here."""


def _asks(world: World, places: list[tuple[Tree, int, int, int]]) -> Iterator[Try]:
    for round_ in _near(world):
        posted = world.posted_for(round_)
        for place in places if posted else []:
            question = posted.ask(*place) if posted else None
            yield "ask", partial(world.call, "ask", world.number, round_, question, value=PRICE)


def _corrupted_asks(world: World) -> Iterator[Try]:
    number = world.number
    for round_ in _near(world):
        posted = world.posted_for(round_)
        if posted is None:
            continue
        yield "ask", partial(world.call, "ask", number, round_, posted.ask(*PLACES[0]), value=1)
        other = replace(posted.ask(*PLACES[0]), rows=(0, 0, 0, 0))
        yield "ask", partial(world.call, "ask", number, round_, other, value=PRICE)
        below = Below(keccak256(b"context"), posted.post.roots)
        other = replace(posted.ask(*PLACES[0]), below=(below,))
        yield "ask", partial(world.call, "ask", number, round_, other, value=PRICE)


def _answers(world: World) -> Iterator[Try]:
    for id_, ask in world.state.asks.items():
        event = ask.event
        posted = world.posted[ask.result.commitment]
        right = posted.answer(event.level, event.index) if event.tree is Tree.Accounts else b""
        for data in {right, right[:-1], bytes(event.answer_bytes)}:
            yield "answer", partial(world.call, "answer", id_, data, caller=world.posters[1])
    yield "answer", partial(world.call, "answer", world.state.ask_count + 1, b"")


def _refutations(world: World) -> Iterator[Try]:
    number = world.number
    for round_ in _near(world):
        posted = world.posted_for(round_)
        if posted is None:
            continue
        for evidence in (WRONG, RIGHT):
            refutation = posted.refutation(Check.Gram, (1, 2, 3), evidence)
            yield "refute", partial(world.call, "refute", number, round_, refutation)
            other = replace(refutation, roots=replace(refutation.roots, gram=keccak256(b"other")))
            yield "refute", partial(world.call, "refute", number, round_, other)
        delta = posted.refutation(Check.Sketch, (world.params.seats + 1, 0, 0), RIGHT)
        yield "refute", partial(world.call, "refute", number, round_, delta)
        for row in range(world.params.seats + 1):
            hidden = posted.refutation(Check.Update, (row, 0, 0), RIGHT)
            yield "refute", partial(world.call, "refute", number, round_, hidden)
            slot = world.project.rounds[round_].slots.get(row, ZERO32)
            if row < world.params.seats and posted.post.included[0] >> row & 1 and not is_revealed(slot):
                silent = replace(hidden, evidence=b"")
                yield "refute", partial(world.call, "refute", number, round_, silent)


def _exits(world: World) -> Iterator[Try]:
    number, final = world.number, world.project.last_final
    for seat in range(5):
        found = world.claim_at(final, min(seat, 3))
        yield "claim", partial(world.call, "claim", number, final, seat, *found.args)
        signer = world.signer(seat)
        yield "leave", partial(world.call, "leave", number, seat, *found.args, caller=signer)
        yield "leave", partial(world.call, "leave", number, seat, *found.args)
        for caller in (signer, None):
            yield "evict", partial(world.call, "evict", number, seat, *found.args, caller=caller)
    for corrupt in CORRUPT_CLAIM.values():
        args = corrupt(world.claim_at(final, 1)).args
        yield "claim", partial(world.call, "claim", number, final, 1, *args)
        yield "leave", partial(world.call, "leave", number, 1, *args, caller=world.signer(1))
    for round_ in _near(world):
        args = world.claim_at(round_, 1).args
        yield "claim", partial(world.call, "claim", number, round_, 1, *args)
        for seat, tenure in ((0, 0), (0, 1), (2, 0), (4, 0)):
            yield "claimFlat", partial(world.call, "claimFlat", number, round_, seat, tenure)
