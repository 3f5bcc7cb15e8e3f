"""One user's dealings with one project: what the commands of `trainer` share."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from market.claims import START_PROOF, AccountProof, Place, prove_account
from market.cli.context import App
from market.cli.keys import KeyChoice
from market.cli.output import amount
from market.description import Description
from market.errors import InputError
from market.events import Claimed, TrainerLeft
from market.keystore import Key
from market.node import Pace
from market.observe import Observer
from market.params import Content, Params
from market.phases import Phase
from market.ports import Store
from market.project_files import description_of, only_one, project_folder
from market.records import REPUTATION_ONE, SeatView
from market.units import ZERO_ADDRESS
from trainer import data as datasets
from trainer.policy import Policy

if TYPE_CHECKING:  # PyTorch takes seconds to load: only commands that train pay for it
    from market.chain.gateway import Gateway
    from trainer.work import Work

log = logging.getLogger(__name__)


@dataclass
class Session:
    """A project as one key sees it. `key` is missing for commands that only read."""

    gateway: Gateway
    store: Store
    project: int
    params: Params
    content: Content
    description: Description
    place: Place
    home: Path
    _key: Key | None

    @classmethod
    def open(cls, app: App, choice: KeyChoice, project: int, needs_key: bool = True) -> Self:
        """Opens key, chain and description. Raises FairtrainError with the next step."""
        key = choice.open(app) if needs_key else None
        gateway = app.gateway(key.account if key else None)
        params, content = gateway.params(project)
        store = app.store()
        place = Place(gateway.deployment.chain_id, gateway.deployment.market)
        description = description_of(store, params, content)
        return cls(gateway, store, project, params, content, description, place, app.home, key)

    @property
    def key(self) -> Key:
        """The key that signs."""
        assert self._key is not None  # commands that sign open the session with a key
        return self._key

    @property
    def folder(self) -> Path:
        """This key's folder in this project."""
        return project_folder(self.home, self.place, self.project, f"trainer-{self.key.address}")

    def seat(self) -> int | None:
        """The seat that the key holds."""
        return self.gateway.seat_index(self.project, self.key.address)

    def held_seat(self) -> tuple[int, SeatView]:
        """The seat, or InputError E108 with the next step."""
        seat = self.seat()
        if seat is None:
            raise InputError(
                "E127",
                f"{self.key.address} holds no seat here; take one with `fairtrain trainer join {self.project}`",
            )
        return seat, self.gateway.seat(self.project, seat)

    def credit(self) -> int:
        """What the key's own address may withdraw."""
        return self.gateway.credit(self.params.token, self.key.address)

    def run(
        self, app: App, specification: str, producer: str, device: str, policy: Policy, pace: Pace
    ) -> bool:
        """Runs the daemon on checked data until the project ends (True) or it is told to stop (False)."""
        from trainer.rescue import recompute
        from trainer.role import TrainerNode

        with only_one(self.folder, f"a trainer of {self.key.address} in project {self.project}"):
            self.held_seat()
            node = TrainerNode(
                self.gateway,
                self.store,
                self.key,
                self.project,
                self.description,
                lambda seat: self._work(seat, specification, producer, device),
                self.folder,
                policy,
                pace,
                partial(recompute, app, self.project),
            )
            return node.run()

    def dry_run(self, app: App, data: str | None, rounds: int, device: str) -> None:
        """Trains locally and says what would have been sent."""
        from trainer.dryrun import dry_run

        if not data:
            raise InputError("E128", "--data is needed, for example --data mine.csv")
        loaded = datasets.load(data, self.description)
        with app.out.progress("steps") as bar:
            task = bar.add_task("training", total=rounds * self.description.training.local_steps)
            outcome = dry_run(
                self.description, loaded, bytes(32), rounds, None, device, lambda *_: bar.advance(task)
            )
        rows = [
            ("samples (held out)", f"{outcome.samples} ({outcome.held_out})"),
            ("parameters", f"{outcome.parameters:,}"),
            ("accuracy before, after", f"{outcome.accuracy_before:.3f}, {outcome.accuracy_after:.3f}"),
            ("loss before, after", f"{outcome.loss_before:.4f}, {outcome.loss_after:.4f}"),
            ("update length (bound)", f"{outcome.update_norm:.4f} ({outcome.step_bound:g})"),
            ("saturated", f"{outcome.saturated:.4%}"),
            ("vanished", f"{outcome.vanished:.2%}"),
        ]
        app.out.table(f"dry run, {outcome.rounds} rounds on own data; nothing was sent", ["", "value#"], rows)
        for warning in outcome.warnings:
            app.out.note(f"warning: {warning}")
        app.out.result({"ok": True, **asdict(outcome)})

    def show(self, app: App) -> None:
        """Prints the seat."""
        number, seat = self.held_seat()
        proof = self.proof(number)
        due = proof.account.pay - seat.claimed
        rows = [
            ("seat", number),
            ("signs", seat.signer),
            ("is paid", seat.payout),
            ("stake", amount(seat.stake)),
            ("reputation (start 0.500)", f"{proof.account.reputation / REPUTATION_ONE:.3f}"),
            ("pay so far", amount(proof.account.pay)),
            ("open to claim", amount(due)),
            ("penalty so far", amount(proof.account.penalty)),
            ("last sealed round", f"{seat.last_sealed}{', not revealed' if seat.missed else ''}"),
        ]
        reference = self.reference()
        if reference:
            rows.append((f"owner's reference, round {reference[0]}", reference[1]))
        app.out.table(f"project {self.project}", ["", "value"], rows)
        body = {"seat": number, "address": seat.signer, "payout": seat.payout, "stake_wei": str(seat.stake)}
        pay = {
            "pay_wei": str(proof.account.pay),
            "open_wei": str(due),
            "reputation": proof.account.reputation,
        }
        told = {
            "penalty_wei": str(proof.account.penalty),
            "reference": dict(zip(("round", "state"), reference, strict=True)) if reference else None,
        }
        app.out.result({"ok": True, **body, **pay, **told})

    def reference(self) -> tuple[int, str] | None:
        """The newest round and where the owner's reference is in it: awaited, sealed, revealed or missing. None in a
        project without one, or before its first round."""
        head = self.gateway.project(self.project).head
        if self.params.reference_key == ZERO_ADDRESS or not head:
            return None
        view = self.gateway.round(self.project, head)
        # Once COMMIT is over nobody waits for it any more, whatever the view says.
        late = not view.reference_sealed and self.gateway.phase(self.project, head) is not Phase.COMMIT
        return head, "missing" if late else view.reference or "missing"

    def claim(self) -> int:
        """Claims everything open; the amount."""
        number, _ = self.held_seat()
        proof, final = self.proof(number), self.gateway.project(self.project).last_final
        arguments = (proof.account, proof.opening, list(proof.proof))
        receipt = self.gateway.send("claim", self.project, final, number, *arguments)
        return sum(event.amount for event in receipt.events if isinstance(event, Claimed))

    def leave(self) -> tuple[int, int, int]:
        """Leaves: pay, stake returned, penalty."""
        number, _ = self.held_seat()
        proof = self.proof(number)
        receipt = self.gateway.send(
            "leave", self.project, number, proof.account, proof.opening, list(proof.proof)
        )
        left = next(event for event in receipt.events if isinstance(event, TrainerLeft))
        return left.pay, left.stake_returned, left.penalty

    def add_stake(self, added: int) -> int:
        """Adds to the stake of the key's seat; the stake afterwards, smallest units."""
        number, _ = self.held_seat()
        if added == 0:
            raise InputError("E108", "nothing to stake: got 0, expected more than 0")
        value = self.gateway.allow(self.params.token, added)
        self.gateway.send("addStake", self.project, number, added, value=value)
        return self.gateway.seat(self.project, number).stake

    def proof(self, seat: int) -> AccountProof:
        """The seat's account under the newest FINAL result."""
        final = self.gateway.project(self.project).last_final
        if not final:
            return START_PROOF
        observer = Observer(self.gateway, self.project)
        observer.refresh()
        posted = observer.history.posted(self.gateway.result(self.project, final).commitment)
        assert posted is not None  # a FINAL result was posted
        return prove_account(self.store, self.place, posted, seat, self.params.seats)

    def _work(self, seat: int, specification: str, producer: str, device: str) -> Work:
        from trainer.foreign import chosen
        from trainer.work import Work

        seed = self.key.training_seed(self.place.chain_id, self.place.market, self.project)
        loaded = datasets.load(specification, self.description)
        log.info("%d samples from %s", len(loaded), specification)
        folder = self.folder / "updates"
        return Work(folder, seat, seed, loaded, self.description, chosen(producer), device)

    def data(self, data: str | None) -> str:
        """The data of this key, remembered from the last run; call it before any stake is sent.

        Raises InputError E109 (none given), E125, E126 (not fit for this project).
        """
        kept = self.folder / "data.json"
        if data is None and kept.exists():
            data = json.loads(kept.read_text())
        if not data:
            raise InputError("E128", "--data is needed, for example --data mine.csv")
        datasets.load(data, self.description)  # refuses bad data before anything is sent
        kept.write_text(json.dumps(data))
        return data
