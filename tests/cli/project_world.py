"""An owner at the command line, in-process, and actors that play rounds with it: real chain, real store.

Updates and models here are made up (the market cannot judge them); roots, documents and accounts are real.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from market.chain.deployment import Deployment
from market.chain.gateway import Gateway
from market.cid import digest
from market.cli import fairtrain, run
from market.codec import MODEL, UPDATE, encode, model_root, update_root
from market.devnet import Devnet, dev_account
from market.history import History
from market.records import START_ACCOUNT, Account, Post, Roots
from market.result_document import ResultDocument, SeatAccount, SeatResult, accounts_tree
from market.result_hash import start_commitment
from market.seals import seal_hash, short_seal
from market.store import FolderStore
from market.units import bitmap_of
from tests.fixtures_chain import MakeGateway

OWNER, AGGREGATOR, FIRST_TRAINER = 0, 1, 2
IRIS = {
    "version": 1,
    "name": "flowers",
    "title": "Three kinds of iris",
    "model": {"kind": "mlp", "hidden": []},
    "data": {"shape": [4], "labels": ["0", "1", "2"]},
    "initialiser": {"seed": 5},
}
PARAMETERS = 15
SALT = bytes(31) + b"\x01"


@dataclass
class Said:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str

    @property
    def body(self) -> Any:
        """The JSON document."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The JSON document of a refusal."""
        return json.loads(self.err)


class Terminal:
    """Runs `fairtrain project ...` in one data folder against one chain."""

    def __init__(self, home: Path, chain: Devnet, deployment: Deployment, capsys: Any) -> None:
        self.home, self.chain, self.capsys = home, chain, capsys
        deployment.save(home / "deployments" / f"{deployment.chain_id}.json")
        self.description = home / "project.json"
        self.description.write_text(json.dumps(IRIS))

    def __call__(self, *words: object, as_json: bool = True, key: int | None = None) -> Said:
        """One command; `key` signs."""
        line = ["project", *map(str, words), "--home", str(self.home), "--rpc", self.chain.url]
        line += ["--devnet-key", str(key)] if key is not None else []
        self.capsys.readouterr()
        code = run(fairtrain, ["--json", *line] if as_json else line)
        said = self.capsys.readouterr()
        return Said(code, said.out, said.err)

    def create(self, *words: object) -> int:
        """A project with two of two seats needed; its number."""
        said = self("create", "--description", self.description, "--seats", 2, *words, key=OWNER)
        assert said.code == 0, said.err
        return int(said.body["project"])


class World:
    """Two trainers and an aggregator that do their part in one project."""

    def __init__(self, terminal: Terminal, make_gateway: MakeGateway, project: int) -> None:
        self.terminal, self.project = terminal, project
        self.store = FolderStore(terminal.home / "store")
        self.chain = terminal.chain
        self.posters: Gateway = make_gateway(AGGREGATOR)
        self.trainers = [make_gateway(FIRST_TRAINER + seat) for seat in range(2)]
        self.params, self.content = self.posters.params(project)
        self.accounts = [START_ACCOUNT] * self.params.seats

    def join(self) -> None:
        """Both trainers take their seats, the aggregator bonds."""
        stake, bond = self.params.min_stake, 3 * self.params.bond
        for seat, gateway in enumerate(self.trainers):
            payout = dev_account(FIRST_TRAINER + seat).address
            gateway.send("register", self.project, seat, payout, stake, [], value=stake)
        self.posters.send("addBond", self.project, bond, value=bond)

    def seal_and_reveal(self, round_: int) -> None:
        """Both seats seal and reveal; the round is in AGGREGATE then."""
        base = self.posters.round(self.project, round_).base_root
        place = self.posters.deployment
        opened = []
        for seat, gateway in enumerate(self.trainers):
            data = encode(np.full(PARAMETERS, 10 * round_ + seat, dtype=np.int16), UPDATE)
            root, cid = update_root(data), self.store.put(data)
            trainer = dev_account(FIRST_TRAINER + seat).address
            seal = seal_hash(place.chain_id, place.market, self.project, round_, trainer, base, root, SALT)
            gateway.send("seal", self.project, round_, seat, short_seal(seal))
            opened.append((root, digest(cid)))
        for seat, (root, file_digest) in enumerate(opened):
            self.trainers[seat].send("reveal", self.project, round_, seat, root, SALT, file_digest)

    def post(self, round_: int, pays: Sequence[int] = (0, 0), seats: Sequence[int] = (0, 1)) -> bytes:
        """A result with `pays` for each seat and `seats` included; the model file's bytes."""
        history = History(self.project)
        history.apply(log.event for log in self.posters.events(project=self.project))
        model = encode(np.arange(PARAMETERS, dtype=np.int32) + round_, MODEL)
        delta = encode(np.full(PARAMETERS, round_, dtype=np.int16), UPDATE)
        cids = self.store.put(delta), self.store.put(model)
        self.accounts = [
            Account(old.reputation + 1, old.pay + pay, old.penalty)
            for old, pay in zip(self.accounts, pays, strict=True)
        ]
        document = self._document(round_, pays, cids)
        filler = b"\x11" * 32
        roots = Roots(
            sketches=filler,
            gram=filler,
            steps=filler,
            accounts=accounts_tree(self.accounts).root,
            columns=bytes(32),
            delta=update_root(delta),
            model=model_root(model),
        )
        facts = history.round(round_)
        post = Post(
            prev_commitment=self._below(),
            reveal_sum=facts.reveal_sum(),
            reveal_count=len(facts.reveals),
            paid=sum(pays),
            delta_digest=digest(cids[0]),
            model_digest=digest(cids[1]),
            document_digest=digest(self.store.put(document)),
            roots=roots,
            included=bitmap_of(list(seats), self.params.seats),
            rows=self._rows(history, round_),
        )
        self.posters.send("post", self.project, round_, post)
        return model

    def play(self, round_: int, pays: Sequence[int] = (0, 0)) -> bytes:
        """A whole round from its opening to a standing result; the model file's bytes."""
        self.posters.send("open", self.project)
        self.seal_and_reveal(round_)
        return self.post(round_, pays)

    def _below(self) -> bytes:
        last = self.posters.project(self.project).last_result
        if last:
            return self.posters.result(self.project, last).commitment
        place = self.posters.deployment
        return start_commitment(place.chain_id, place.market, self.project, self.content.model_root)

    def _rows(self, history: History, round_: int) -> tuple[int, ...]:
        deltas = min(self.params.delta_rows, sum(1 for n in range(1, round_) if history.round(n).posts))
        files = [
            bitmap_of(set(history.round(round_ - 1 - age).reveals), self.params.seats) for age in range(2)
        ]
        return ((1 << deltas) - 1, *files[0], *files[1])

    def _document(self, round_: int, pays: Sequence[int], cids: tuple[str, str]) -> bytes:
        return ResultDocument(
            version=1,
            project=self.project,
            round=round_,
            poster=dev_account(AGGREGATOR).address,
            paid=str(sum(pays)),
            delta=cids[0],
            model=cids[1],
            seats=tuple(
                SeatResult(seat=seat, verdict="honest", pay=str(pay)) for seat, pay in enumerate(pays)
            ),
            accounts=tuple(
                SeatAccount(reputation=a.reputation, pay=str(a.pay), penalty=str(a.penalty))
                for a in self.accounts
            ),
        ).to_bytes()
