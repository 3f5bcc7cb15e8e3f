"""A chain whose results come with real documents in a real store, for what the index makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from market.cid import cid_from_digest, digest
from market.description import Data, Description, Mlp
from market.events import Event
from market.result_document import ResultDocument, SeatAccount, SeatResult
from market.spec import apply
from market.store.folder import FolderStore
from tests.index.simulator import Call, SimChain
from tests.stateful import world as worlds
from tests.stateful.world import World

Tamper = Callable[[ResultDocument], bytes]
DESCRIPTION = Description(
    version=1,
    name="index-test",
    title="A test of the index",
    model=Mlp(kind="mlp", hidden=(4,)),
    data=Data(shape=(8,), labels=("no", "yes")),
)


def plain(document: ResultDocument) -> bytes:
    """As an honest poster publishes it."""
    return document.to_bytes()


class Published:
    """One project; every post is published in `store` as `tamper` has it."""

    def __init__(self, folder: Path, description: bytes | None = None) -> None:
        self.store = FolderStore(folder / "store")
        self.chain = SimChain()
        self.world = World.spec()
        self.world.driver = self._call
        self._calls: list[Call] = []
        text = DESCRIPTION.to_bytes() if description is None else description
        self._content = replace(worlds.CONTENT, description_digest=digest(self.store.put(text)))
        self.digests: list[bytes] = []

    def start(self, **changes: Any) -> Published:
        """A funded project with three trainers."""
        world = self.world
        world.state.tokens = self.chain.tokens = frozenset({changes.get("token", "")})
        params = worlds.MINIMAL.project(world.now, DESCRIPTION.d, **changes)
        world.call("create", params, self._content, caller=world.owner)
        world.number = len(world.state.projects)
        world.fund()
        for seat in range(3):
            world.register(seat)
        for poster in (0, 1):
            world.bond(poster)
        return self

    def to_standing(self, tamper: Tamper = plain, final: bool = False, keep: bool = True) -> int:
        """A round with a published result."""
        world = self.world
        round_ = world.to_aggregate()
        post, accounts = world.draft(round_)
        share = post.paid // max(post.reveal_count, 1)
        seats = [
            SeatResult(
                seat=seat,
                verdict="honest",
                reason=f"agrees with the others, round {round_}",
                weight=20_000 + seat,
                agreement=-(2**70) if seat == 1 else 100 * round_,
                novelty=7,
                score=str(10**30),
                pay=str(share),
            )
            for seat in range(post.reveal_count)
        ]
        document = ResultDocument(
            version=1,
            project=world.number,
            round=round_,
            poster=world.posters[0],
            paid=str(post.paid),
            delta="",
            model="",
            seats=tuple(seats),
            accounts=tuple(
                SeatAccount(reputation=a.reputation, pay=str(a.pay), penalty=str(a.penalty)) for a in accounts
            ),
        )
        data = tamper(document)
        address = digest(self.store.put(data))
        if not keep:
            self.store.unpin(cid_from_digest(address, len(data)))
        self.digests.append(address)
        world.send_post(round_, world.posters[0], replace(post, document_digest=address), accounts)
        if final:
            world.now += world.params.windows.challenge
            world.call("finalise", world.number, round_)
        return round_

    def mine(self) -> SimChain:
        """The chain with everything called so far."""
        self.chain.play(self._calls)
        self._calls.clear()
        return self.chain

    def _call(self, name: str, *args: Any, caller: str, now: int, value: int = 0) -> list[Event]:
        events = apply(self.world.state, name, *args, caller=caller, now=now, value=value)
        self._calls.append(Call(name, args, caller, now, value))
        return events
