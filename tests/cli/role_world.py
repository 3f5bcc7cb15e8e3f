"""Trainers and an aggregator at the command line, in-process: one data folder, a real chain, a real store."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from market.chain.deployment import Deployment
from market.chain.gateway import Gateway
from market.cid import digest
from market.cli import fairtrain, run
from market.codec import MODEL, encode, model_root
from market.description import Description, parse
from market.devnet import Devnet, dev_account
from market.events import ProjectCreated
from market.initial import initial_model
from market.params import MINIMAL, Content, Windows
from market.store import FolderStore
from tests.cli.project_world import Said
from tests.fixtures_chain import MakeGateway

OWNER, AGGREGATOR, FIRST_TRAINER = 0, 1, 20
FLOWERS = {
    "version": 1,
    "name": "flowers",
    "title": "Three kinds of iris",
    "model": {"kind": "mlp", "hidden": []},
    "data": {"shape": [4], "labels": ["0", "1", "2"]},
    "initialiser": {"seed": 5},
    "training": {"local_steps": 3},
}
DATA = "sklearn:iris?limit=20"
PATIENT = Windows(
    commit=600, reveal=600, first_right=60, proposed=120, challenge=70, answer=10, refute=10, dead=600
)


def data_of(seat: int) -> str:
    """Another part of the flowers for each seat."""
    return f"sklearn:iris?part={seat}&parts=4"


class Roles:
    """Runs `fairtrain ...` in one data folder. Projects here have three seats and windows that do not hurry."""

    def __init__(
        self, home: Path, chain: Devnet, deployment: Deployment, make_gateway: MakeGateway, capsys: Any
    ) -> None:
        self.home, self.chain, self.deployment, self.capsys = home, chain, deployment, capsys
        self.owner: Gateway = make_gateway(OWNER)
        self.store = FolderStore(home / "store")
        deployment.save(home / "deployments" / f"{deployment.chain_id}.json")

    def words(self, *words: object) -> list[str]:
        """A command line in this data folder."""
        node = [] if "--rpc" in words else ["--rpc", self.chain.url]
        return [*map(str, words), "--home", str(self.home), *node]

    def __call__(self, *words: object, key: int | None = None, as_json: bool = True) -> Said:
        """One command to its end; `key`: public test key that signs."""
        line = self.words(*words, *([] if key is None else ["--devnet-key", key]))
        self.capsys.readouterr()
        code = run(fairtrain, ["--json", *line] if as_json else line)
        said = self.capsys.readouterr()
        return Said(code, said.out, said.err)

    def create(self, **changes: Any) -> int:
        """A project of three seats; `description` and `content` replace the usual ones."""
        description = changes.pop("description", None) or parse(json.dumps(FLOWERS).encode())
        content = changes.pop("content", None) or self.publish(description)
        wanted = {"seats": 3, "min_seals": 2, "pot": 10**18, "open_rounds": 2, "windows": PATIENT} | changes
        params = MINIMAL.project(self.owner.now(), description.d, **wanted)
        params = replace(params, end_date=self.owner.now() + 80_000)
        receipt = self.owner.send("create", params, content)
        return next(event.project for event in receipt.events if isinstance(event, ProjectCreated))

    def publish(self, description: Description) -> Content:
        """Description and first model in the store."""
        model = encode(initial_model(description), MODEL)
        store = self.store
        return Content(digest(store.put(description.to_bytes())), digest(store.put(model)), model_root(model))

    def fund(self, project: int, rounds: int) -> None:
        """Locks the pots of some rounds."""
        params, _ = self.owner.params(project)
        self.owner.send("fund", project, params.pot * rounds, value=params.pot * rounds)

    def seats_taken(self, project: int) -> int:
        """Seats that somebody holds."""
        return self.owner.project(project).active_next

    def balance(self, account: int) -> int:
        """Native coin of a test account, in wei."""
        return self.owner.balance(dev_account(account).address)


class Daemons:
    """Commands that run beside the test, each in a thread."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self._pool = ThreadPoolExecutor(max_workers=6)
        self.codes: dict[str, Future[int]] = {}

    def start(self, name: str, *words: object) -> None:
        """Starts a command."""
        self.codes[name] = self._pool.submit(run, fairtrain, self._roles.words(*words))

    def wait_for(self, done: Callable[[], bool], seconds: float = 60) -> None:
        """Waits until `done`, looking often."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, {name: code.done() for name, code in self.codes.items()}
            time.sleep(0.05)

    def failed(self) -> dict[str, int]:
        """Exit codes of those that have ended badly."""
        ended = {name: code.result() for name, code in self.codes.items() if code.done()}
        return {name: code for name, code in ended.items() if code}
