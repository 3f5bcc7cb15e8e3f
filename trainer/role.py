"""The honest trainer as code: seal, reveal, claim, in every round, without trusting base, store or node.

What it owes: reveal what it sealed, in time, with the file readable by others. What it never does: train on a
base it could not rebuild, or lose an update that is sealed.
"""

from __future__ import annotations

from typing import Any, ClassVar

from market.claims import START_PROOF, AccountProof, prove_account
from market.duties import Duty, Kind, is_over, may_leave, trainer_duties
from market.snapshot import ProjectSnapshot
from trainer.maker import UNUSABLE, UpdateNode


class TrainerNode(UpdateNode):
    """Runs one seat; the slot of its updates is the seat's."""

    seal_call: ClassVar[str] = "seal"
    reveal_call: ClassVar[str] = "reveal"
    loss: ClassVar[str] = "the reveal costs one unit of stake"

    def __init__(self, *args: Any, **options: Any) -> None:
        """As `UpdateNode`."""
        super().__init__(*args, **options)
        self._proof: tuple[bytes, AccountProof] | None = None

    def act(self, snapshot: ProjectSnapshot) -> bool:
        """The first duty that could be done; the next look shows the rest."""
        for duty in trainer_duties(snapshot):
            match duty.kind:
                case Kind.REVEAL if self._reveal(snapshot, duty):
                    return True
                case Kind.SEAL if self._wants_more(snapshot) and self._seal(snapshot, duty):
                    return True
                case Kind.CLAIM_FLAT if self._claim_flat(snapshot, duty):
                    return True
                case Kind.CLAIM if self._claim(snapshot):
                    return True
                case Kind.WARN:
                    self.warn(duty)
        return self._finish(snapshot)

    def finished(self, snapshot: ProjectSnapshot) -> bool:
        """The project is over and nothing is open, or the seat is given back."""
        if snapshot.seat_number is None:
            return True
        over = is_over(snapshot) and snapshot.project.open_count == 0
        return over and not self._policy.leave and not self._open_pay(snapshot)

    def earned(self) -> int:
        """My pay so far under the newest FINAL result: from its document, checked against the root."""
        proof = self._account_proof()
        return proof.account.pay if proof else 0

    def slot(self, snapshot: ProjectSnapshot) -> int:
        """The seat that the key holds."""
        assert snapshot.seat_number is not None  # duties are for holders of a seat
        return snapshot.seat_number

    def where(self, snapshot: ProjectSnapshot, round_: int) -> tuple[int, ...]:
        """Project, round, seat."""
        return self.project, round_, self.slot(snapshot)

    # ----- duties -----

    def _claim(self, snapshot: ProjectSnapshot) -> bool:
        proof = self._account_proof()
        if proof is None:
            return False
        round_, seat = snapshot.project.last_final, self.slot(snapshot)
        intent = f"claim/{self.project}/{seat}/{round_}"
        return self.send(
            "claim",
            self.project,
            round_,
            seat,
            proof.account,
            proof.opening,
            list(proof.proof),
            intent=intent,
        )

    def _claim_flat(self, snapshot: ProjectSnapshot, duty: Duty) -> bool:
        seat = self.slot(snapshot)
        tenure = self.observer.history.past_tenures(seat)
        intent = f"claimFlat/{self.project}/{duty.round}/{seat}"
        return self.send("claimFlat", self.project, duty.round, seat, tenure, intent=intent)

    def _finish(self, snapshot: ProjectSnapshot) -> bool:
        """Leaves the seat when the user wants to and everything that it sealed is settled."""
        seat = snapshot.seat
        if not self._policy.leave or seat is None or self._wants_more(snapshot):
            return False
        if not may_leave(snapshot):
            return False
        proof = self._account_proof() if snapshot.project.last_final else START_PROOF
        if proof is None:
            return False
        number = self.slot(snapshot)
        intent = f"leave/{self.project}/{number}/{self.observer.history.past_tenures(number)}"
        return self.send(
            "leave", self.project, number, proof.account, proof.opening, list(proof.proof), intent=intent
        )

    # ----- parts -----

    def _wants_more(self, snapshot: ProjectSnapshot) -> bool:
        if is_over(snapshot) and snapshot.project.open_count == 0:
            return False
        if not self._policy.rounds or snapshot.seat is None:
            return True
        rounds, seat = self.observer.history.rounds, self.slot(snapshot)
        mine = [n for n, facts in rounds.items() if n > snapshot.seat.joined and seat in facts.seals]
        return len(mine) < self._policy.rounds

    def _open_pay(self, snapshot: ProjectSnapshot) -> bool:
        return snapshot.seat is not None and snapshot.earned > snapshot.seat.claimed

    def _account_proof(self) -> AccountProof | None:
        """My account under the last FINAL result; None if there is none or its poster hides the accounts."""
        history = self.observer.history
        final = self.gateway.project(self.project).last_final
        seat = self.gateway.seat_index(self.project, self.me)
        if not final or seat is None:
            return None
        commitment = self.gateway.result(self.project, final).commitment
        if self._proof is not None and self._proof[0] == commitment:
            return self._proof[1]
        posted = history.posted(commitment)
        if posted is None:
            return None
        try:
            proof = prove_account(self._store, self._place, posted, seat, history.params.seats)
        except UNUSABLE as error:
            self.warn(Duty(Kind.WARN, final, f"accounts cannot be read ({error}); pay stays claimable"))
            self._rescue(commitment)
            return None
        self._proof = (commitment, proof)
        return proof
