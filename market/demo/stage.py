"""Setting a demonstration up: chain, market, store, project, and every participant as a process of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from market.chain.gateway import Gateway
from market.cid import digest
from market.cli.context import App
from market.cli.deploy import deploy_and_save
from market.codec import MODEL, encode, model_root
from market.demo.plan import (
    AGGREGATOR_KEY,
    OWNER_KEY,
    Member,
    held_out_data,
    own_data,
    reference_key,
)
from market.demo.processes import Family
from market.description import Data, Description, Initialiser, Mlp, Training
from market.devnet import Devnet, dev_account
from market.errors import ChainError
from market.events import ProjectCreated
from market.initial import initial_model
from market.keystore import Key
from market.params import DEMO, Content, Windows
from market.ports import Store
from market.units import ZERO_ADDRESS

REGISTER_SECONDS = 180.0
PATIENCE = 180
"""Seconds of COMMIT and REVEAL: both end as soon as everybody is done, so this is for slow or killed processes."""
POLL = "0.3"


@dataclass(frozen=True)
class Stage:
    """A demonstration that is ready to run."""

    app: App
    gateway: Gateway
    store: Store
    project: int
    description: Description
    members: list[Member]
    rounds: int
    seed: int
    reference: bool = False
    """the owner runs one"""

    @property
    def test(self) -> str:
        """Data that neither trainers nor the reference have."""
        return own_data(self.seed).test if self.reference else held_out_data(self.seed)


def describe(seed: int) -> Description:
    """The project: digits of 8 x 8 pixels, a small network, first model from the seed."""
    return Description(
        version=1,
        name="digits",
        title="Handwritten digits, 8 x 8 pixels",
        model=Mlp(kind="mlp", hidden=(64,)),
        data=Data(shape=(64,), labels=tuple("0123456789"), divide_by="16"),
        initialiser=Initialiser(seed=seed),
        lsb_exponent=15,
        training=Training(learning_rate="0.3", batch_size=16, local_steps=50),
    )


def set_stage(
    app: App,
    chain: Devnet,
    members: list[Member],
    rounds: int,
    seed: int,
    windows: Windows = DEMO.windows,
    reference: bool = False,
) -> Stage:
    """Deploys the market, publishes description and first model, creates the project. No money moves yet."""
    app.rpc_urls = chain.url
    owner = Key(bytes(dev_account(OWNER_KEY).key))
    deploy_and_save(app, owner.account, "demo")
    store, description = app.store(), describe(seed)
    model = encode(initial_model(description), MODEL)
    content = Content(
        description_digest=digest(store.put(description.to_bytes())),
        model_digest=digest(store.put(model)),
        model_root=model_root(model),
    )
    gateway = app.gateway(owner.account)
    params = DEMO.project(
        gateway.now(),
        description.d,
        seats=len(members),
        min_seals=(len(members) + 1) // 2,
        open_rounds=rounds,
        windows=replace(windows, commit=PATIENCE, reveal=PATIENCE),
        reference_key=dev_account(reference_key(members)).address if reference else ZERO_ADDRESS,
    )
    receipt = gateway.send("create", params, content)
    project = next(event.project for event in receipt.events if isinstance(event, ProjectCreated))
    return Stage(app, gateway, store, project, description, members, rounds, seed, reference)


def start_everybody(stage: Stage, family: Family, lie: str = "") -> None:
    """Starts the aggregator, the owner's reference, and all trainers, which register for their seats.

    `lie`: KIND:ROUND.
    """
    number, common = str(stage.project), ["--poll", POLL]
    family.start(
        *("aggregator", "aggregator", "run", number, "--devnet-key", str(AGGREGATOR_KEY), "--unbond"),
        *(("--lie", lie) if lie else ()),
        *common,
    )
    if stage.reference:
        family.start(
            *("reference", "project", "reference", number, "--data", own_data(stage.seed).reference),
            *("--devnet-key", str(reference_key(stage.members)), "--device", "cpu", "--chores", "60"),
            *common,
        )
    for member in stage.members:
        family.start(
            f"trainer-{member.seat}",
            *("trainer", "run", number, "--devnet-key", str(member.key), "--data", member.data),
            *("--join", "--yes", "--seat", str(member.seat), "--leave", "--producer", member.kind),
            *("--device", "cpu", "--chores", str(5 + member.seat), *common),
        )


def wait_for_seats(stage: Stage, family: Family) -> None:
    """Until every seat is held and the aggregator is bonded; the escrow is funded only then (fixed order)."""
    deadline = time.monotonic() + REGISTER_SECONDS
    poster = dev_account(AGGREGATOR_KEY).address
    while time.monotonic() < deadline:
        family.check()
        registered = stage.gateway.project(stage.project).active_next
        if registered == len(stage.members) and stage.gateway.aggregator(stage.project, poster).bond:
            return
        time.sleep(0.5)
    raise ChainError(
        "E221", f"{registered} of {len(stage.members)} trainers registered; see the logs in {family.folder}"
    )


def fund(stage: Stage) -> int:
    """Locks the pots of all rounds; smallest units."""
    params, _ = stage.gateway.params(stage.project)
    budget = params.pot * stage.rounds
    stage.gateway.send("fund", stage.project, budget, value=budget)
    return budget


def home_folder(base: Path) -> Path:
    """Data folder of the demonstration."""
    home = base / "home"
    home.mkdir(parents=True, exist_ok=True)
    return home
