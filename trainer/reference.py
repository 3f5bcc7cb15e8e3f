"""The owner's reference as code: train on the owner's own samples in every round, seal, reveal.

It is no seat: it has no stake, no pay and no penalty. Its update is a row of its own in results, which steers weights
(docs/roles.md says how far). Everything else is as with a trainer, from the same base.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from market.cli.context import App
from market.cli.keys import KeyChoice
from market.duties import Kind, is_over, reference_duties
from market.errors import InputError
from market.node import Pace
from market.phases import Phase
from market.project_files import only_one, project_folder
from market.seals import is_sealed
from market.snapshot import ProjectSnapshot
from market.units import ZERO_ADDRESS
from trainer.maker import UpdateNode
from trainer.policy import Policy
from trainer.rescue import recompute
from trainer.session import Session


class ReferenceNode(UpdateNode):
    """Runs the reference of a project with the key that its creation names."""

    seal_call: ClassVar[str] = "sealReference"
    reveal_call: ClassVar[str] = "revealReference"
    loss: ClassVar[str] = "this round goes without the reference"

    def __init__(self, *args: Any, once: bool = False, **options: Any) -> None:
        """As `UpdateNode`. `once`: end when nothing is left to do now."""
        super().__init__(*args, **options)
        self._once = once
        self._ready: set[bytes] = set()

    def act(self, snapshot: ProjectSnapshot) -> bool:
        """The first duty that could be done; the next look shows the rest."""
        for duty in reference_duties(snapshot):
            match duty.kind:
                case Kind.REVEAL if self._reveal(snapshot, duty):
                    return True
                case Kind.SEAL if self._wants_more() and self._seal(snapshot, duty):
                    return True
                case Kind.TRAIN if self._wants_more() and self._make_ready(snapshot, duty.round):
                    return True
                case Kind.WARN:
                    self.warn(duty)
        return False

    def finished(self, snapshot: ProjectSnapshot) -> bool:
        """Nothing sealed waits for its reveal, and no further round collects updates or is wanted."""
        if self._once:
            return True
        shown = not any(
            is_sealed(slot) and snapshot.phase(number) in (Phase.COMMIT, Phase.REVEAL)
            for number, slot in snapshot.slots.items()
        )
        over = is_over(snapshot) and snapshot.phase(snapshot.project.head) is not Phase.COMMIT
        return shown and (over or not self._wants_more())

    def slot(self, snapshot: ProjectSnapshot) -> int:
        """The one behind the last seat, as its row in results."""
        return snapshot.params.seats

    def where(self, snapshot: ProjectSnapshot, round_: int) -> tuple[int, ...]:
        """Project, round."""
        return self.project, round_

    def _wants_more(self) -> bool:
        rounds = self.observer.history.rounds.values()
        done = sum(facts.reference_seal is not None for facts in rounds)
        return not self._policy.rounds or done < self._policy.rounds

    def _make_ready(self, snapshot: ProjectSnapshot, round_: int) -> bool:
        """Trains ahead of the first seal, so that nobody waits for the reference; True if there was something to do."""
        base_root = snapshot.rounds[round_].base_root
        if base_root in self._ready:
            return False
        if self._train(snapshot, round_) is None:
            return self._rescue(base_root)
        self._ready.add(base_root)
        return True


class ReferenceSession(Session):
    """The owner's dealings with one project, through the key of its reference."""

    @property
    def folder(self) -> Path:
        """The reference's folder in this project: no trainer's residual or data may get into it."""
        return project_folder(self.home, self.place, self.project, f"reference-{self.key.address}")

    def require_key(self) -> None:
        """Raises InputError E194 for a project without a reference, E195 for another key than its reference's."""
        expected = self.params.reference_key
        if expected == ZERO_ADDRESS:
            raise InputError(
                "E194",
                f"project {self.project} was created without a reference key, and terms are frozen; "
                "a new project takes one with `fairtrain project create --reference-key ADDRESS`",
            )
        if expected != self.key.address:
            raise InputError(
                "E195",
                f"{self.key.address} is not the reference key of project {self.project}, which is {expected}; "
                "pass its --keystore",
            )

    def run_reference(
        self, app: App, specification: str, device: str, policy: Policy, pace: Pace, once: bool
    ) -> bool:
        """Runs the daemon on checked data until no round collects updates (True) or it is told to stop (False)."""
        with only_one(self.folder, f"the reference of project {self.project}"):
            node = ReferenceNode(
                self.gateway,
                self.store,
                self.key,
                self.project,
                self.description,
                lambda slot: self._work(slot, specification, "honest", device),
                self.folder,
                policy,
                pace,
                partial(recompute, app, self.project),
                once=once,
            )
            return node.run()


def run_reference(
    app: App,
    choice: KeyChoice,
    project: int,
    pace: Pace,
    *,
    data: str | None,
    device: str,
    rounds: int,
    once: bool,
    trust_model: bool,
    verify: bool,
) -> bool:
    """`fairtrain project reference`: True when nothing is left to do, False when it was told to stop.

    Raises InputError E194, E195 (no reference, another key), E125, E126, E128 (data), before anything is sent.
    """
    session = ReferenceSession.open(app, choice, project)
    session.require_key()
    specification = session.data(data)
    policy = Policy(rounds=rounds, trust_model=trust_model, verify_sample=verify)
    return session.run_reference(app, specification, device, policy, pace, once)
