"""A whole market in one process: real chain, real store, the real nodes stepped by hand instead of waiting.

`run_until` gives every node a turn until a condition holds; when all are idle, the chain's clock is moved to
the next moment at which time changes something.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from eth_account.signers.local import LocalAccount
from numpy.typing import NDArray

from aggregator.role import AggregatorNode
from market.chain.deployment import Deployment
from market.chain.gateway import Gateway
from market.cid import digest
from market.codec import MODEL, UPDATE, encode, model_root, update_root
from market.description import Data, Description, Initialiser, Mlp, Training
from market.devnet import Devnet, dev_account
from market.events import ProjectCreated
from market.initial import initial_model
from market.keystore import Key
from market.node import Node, Pace, Turn, moments
from market.params import MINIMAL, Content, Params, Windows
from market.records import Opening
from market.seals import seal_hash, short_seal
from market.store.folder import FolderStore
from market.store.restored import RestoredStore
from market.units import ZERO_ADDRESS
from tests.fixtures_chain import QUICK, MakeGateway
from trainer import data as datasets
from trainer.policy import Policy
from trainer.producers import Producer, honest
from trainer.reference import ReferenceNode
from trainer.role import TrainerNode
from trainer.work import Work

OWNER, AGGREGATOR, RIVAL, REFERENCE, FIRST_TRAINER = 0, 1, 2, 3, 10
REFERENCE_DATA = "sklearn:digits?test=1&limit=40"
PACE = Pace(poll_s=0.01, chores_s=0.0)
MAX_TURNS = 2_000

DESCRIPTION = Description(
    version=1,
    name="digits",
    title="Digits, small",
    model=Mlp(kind="mlp", hidden=(32,)),
    data=Data(shape=(64,), labels=tuple("0123456789"), divide_by="16"),
    initialiser=Initialiser(seed=7),
    training=Training(local_steps=5),
)


@dataclass
class Market:
    """One project with its nodes. Seats are taken in the order in which trainers join."""

    chain: Devnet
    make_gateway: MakeGateway
    folder: Path
    params: Params
    store: RestoredStore
    owner: Gateway
    project: int
    nodes: list[Node] = field(default_factory=list)
    seats: int = 0

    def gateway(self, account: int) -> Gateway:
        """The market with the key of a test account; its journal survives restarts."""
        return self.make_gateway(account, self.folder / "journal")

    def key(self, account: int) -> Key:
        """Key of a test account."""
        from market.devnet import dev_account

        return Key(bytes(dev_account(account).key))

    def register(self) -> tuple[int, int, Gateway]:
        """Takes the next seat by hand: (seat, account, gateway)."""
        seat, account = self.seats, FIRST_TRAINER + self.seats
        gateway = self.gateway(account)
        stake = self.params.min_stake
        gateway.send("register", self.project, seat, self.key(account).address, stake, [], value=stake)
        self.seats += 1
        return seat, account, gateway

    def join(self, producer: Producer = honest, policy: Policy | None = None) -> TrainerNode:
        """A trainer with the real node."""
        seat, account, _ = self.register()
        node = self.trainer_node(seat, account, producer, policy or Policy(leave=True))
        self.nodes.append(node)
        return node

    def trainer_node(self, seat: int, account: int, producer: Producer, policy: Policy) -> TrainerNode:
        """The node of a seat that is held; a second one for the same seat is a restart."""
        folder = self.folder / f"trainer-{account}"
        specification = f"sklearn:digits?part={seat}&parts=8&limit=60"

        def work(number: int) -> Work:
            data = datasets.load(specification, DESCRIPTION)
            return Work(folder / "updates", number, bytes([account]) * 32, data, DESCRIPTION, producer, "cpu")

        gateway, key = self.gateway(account), self.key(account)
        return TrainerNode(gateway, self.store, key, self.project, DESCRIPTION, work, folder, policy, PACE)

    def reference_node(self, policy: Policy | None = None, once: bool = False) -> ReferenceNode:
        """The node of the owner's reference, with forty samples that no trainer has; a second one is a restart."""
        folder = self.folder / "reference"

        def work(slot: int) -> Work:
            data = datasets.load(REFERENCE_DATA, DESCRIPTION)
            return Work(folder / "updates", slot, bytes([REFERENCE]) * 32, data, DESCRIPTION, honest, "cpu")

        gateway, key = self.gateway(REFERENCE), self.key(REFERENCE)
        arguments = (
            gateway,
            self.store,
            key,
            self.project,
            DESCRIPTION,
            work,
            folder,
            policy or Policy(),
            PACE,
        )
        return ReferenceNode(*arguments, once=once)

    def refer(self) -> ReferenceNode:
        """The owner's reference takes part."""
        node = self.reference_node()
        self.nodes.append(node)
        return node

    def aggregate(
        self, account: int = AGGREGATOR, patience_s: float = 0.0, wait_final: bool = False
    ) -> AggregatorNode:
        """An aggregator with the real node, bonded for all open rounds."""
        gateway, bond = self.gateway(account), self.params.bond * self.params.open_rounds
        gateway.send("addBond", self.project, bond, value=bond)
        address = self.key(account).address
        folder = self.folder / f"aggregator-{account}"
        node = AggregatorNode(
            gateway, self.store, self.project, address, folder, PACE, patience_s, wait_final=wait_final
        )
        self.nodes.append(node)
        return node

    def fund(self, rounds: int) -> None:
        """Locks the pots of some rounds."""
        amount = self.params.pot * rounds
        self.owner.send("fund", self.project, amount, value=amount)

    def run_until(self, done: Callable[[], bool], nodes: Sequence[Node] | None = None) -> None:
        """Turns for all nodes until `done`; the clock moves when nobody acts."""
        for _ in range(MAX_TURNS):
            if done():
                return
            if not self.turn(nodes):
                self.pass_time(nodes)
        raise AssertionError(f"not reached: project {self.owner.project(self.project)}")

    def turn(self, nodes: Sequence[Node] | None = None) -> bool:
        """One turn for each node; whether anybody acted."""
        acting = list(self.nodes if nodes is None else nodes)
        outcomes = [node.turn(node.snapshot()) for node in acting]  # all of them, not only up to the first
        return Turn.ACTED in outcomes

    def pass_time(self, nodes: Sequence[Node] | None = None) -> None:
        """Moves the clock to the next moment that matters, or by a second."""
        watched = (nodes or self.nodes)[0].snapshot()
        ahead = [at for at in moments(watched) if at > watched.now]
        self.chain.advance(max(1, min(ahead, default=watched.now + 1) - watched.now))

    def stop(self) -> None:
        """The owner opens no further round."""
        self.owner.send("stop", self.project)

    def over(self) -> bool:
        """Stopped, and every round settled."""
        view = self.owner.project(self.project)
        return view.stopped and view.open_count == 0

    def drain(self) -> int:
        """Refunds the owner and withdraws every credit; what the market still holds, in wei."""
        if (view := self.owner.project(self.project)).escrow or view.penalty_pool:
            self.owner.send("refund", self.project)
        for account in (OWNER, AGGREGATOR, RIVAL, *range(FIRST_TRAINER, FIRST_TRAINER + self.seats)):
            gateway, address = self.gateway(account), self.key(account).address
            if (pool := gateway.aggregator(self.project, address)).bond and not pool.locked:
                gateway.send("removeBond", self.project, pool.bond)
            if gateway.credit(self.params.token, address):
                gateway.send("withdraw", self.params.token, address)
        held, balance = self.owner.held(ZERO_ADDRESS), self.owner.balance(self.owner.address)
        assert held == balance
        return held


def store_in(folder: Path) -> RestoredStore:
    """The one store of everybody."""
    return RestoredStore(FolderStore(folder / "store"), folder / "restored")


def open_market(chain: Devnet, make_gateway: MakeGateway, folder: Path, **changes: object) -> Market:
    """Creates a project of eight seats with MINIMAL windows."""
    owner = make_gateway(OWNER)
    store = store_in(folder)
    model = encode(initial_model(DESCRIPTION), MODEL)
    content = Content(digest(store.put(DESCRIPTION.to_bytes())), digest(store.put(model)), model_root(model))
    # Long windows: the tests move the chain's clock, and a slow machine must not end a phase.
    windows = replace(MINIMAL.windows, commit=900, reveal=900)
    wanted = {"seats": 8, "min_seals": 2, "pot": 10**18, "open_rounds": 3, "windows": windows}
    wanted |= {"end_date": owner.now() + 80_000} | changes
    params = MINIMAL.project(owner.now(), DESCRIPTION.d, **wanted)
    receipt = owner.send("create", params, content)
    project = next(event.project for event in receipt.events if isinstance(event, ProjectCreated))
    return Market(chain, make_gateway, folder, params, store, owner, project)


SLOW = Windows(
    commit=600, reveal=600, first_right=60, proposed=120, challenge=700, answer=100, refute=100, dead=6000
)
"""Long enough that no window ends by itself while a test runs; time is moved by hand."""


def slow_market(chain: Devnet, deployment: Deployment, folder: Path, seats: int) -> Market:
    """Three funded pots and `seats` trainers, for fixtures that live longer than a test."""

    def make(account: int | LocalAccount | None = None, journal_dir: Path | None = None) -> Gateway:
        signer = dev_account(account) if isinstance(account, int) else account
        return Gateway(chain.url, deployment, signer, journal_dir, QUICK)

    market = open_market(
        chain, make, folder, windows=SLOW, end_date=make().now() + 80_000, expected_seats=seats
    )
    for _ in range(seats):
        market.join()
    market.fund(3)
    return market


def restarted(before: Market, folder: Path, seats: int) -> Market:
    """A copy of a market's folders, with restarted trainers."""
    shutil.copytree(before.folder, folder)
    owner = before.make_gateway(OWNER)
    made = replace(before, folder=folder, store=store_in(folder), owner=owner, nodes=[])
    for seat in range(seats):
        made.nodes.append(made.trainer_node(seat, FIRST_TRAINER + seat, honest, Policy(leave=True)))
    return made


def an_update(value: int = 1) -> NDArray[np.int16]:
    """Any well-formed update."""
    return np.full(DESCRIPTION.d, value, dtype=np.int16)


def seal_by_hand(market: Market, seat: int, account: int, round_: int, root: bytes) -> bytes:
    """Seals `root` for a seat; the salt."""
    gateway, salt = market.gateway(account), bytes([seat + 1]) * 32
    base = gateway.round(market.project, round_).base_root
    place = gateway.deployment
    sealed = seal_hash(
        place.chain_id, place.market, market.project, round_, market.key(account).address, base, root, salt
    )
    gateway.send("seal", market.project, round_, seat, short_seal(sealed))
    return salt


def reveal_by_hand(
    market: Market, seat: int, account: int, round_: int, root: bytes, salt: bytes, file_digest: bytes
) -> None:
    """Reveals what `seal_by_hand` sealed, naming any file."""
    gateway = market.gateway(account)
    gateway.send("reveal", market.project, round_, seat, root, salt, file_digest)


__all__ = ["UPDATE", "Opening", "update_root"]
