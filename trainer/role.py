"""The honest trainer as code: seal, reveal, claim, in every round, without trusting base, store or node.

What it owes: reveal what it sealed, in time, with the file readable by others. What it never does: train on a
base it could not rebuild, or lose an update that is sealed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from market.cid import digest
from market.claims import START_PROOF, AccountProof, Place, document_of, prove_account
from market.codec import UPDATE, check_root, update_root
from market.description import Description
from market.duties import Duty, Kind, is_over, may_leave, trainer_duties
from market.errors import DocumentError, StoreError, UpdateError, VerificationError
from market.fetch import fetch_bytes
from market.keystore import Key
from market.node import Node, Pace
from market.ports import Store
from market.seals import seal_hash, short_seal
from market.snapshot import ProjectSnapshot
from trainer.base import Bases
from trainer.policy import Policy
from trainer.work import Work

if TYPE_CHECKING:
    from market.chain.gateway import Gateway

log = logging.getLogger(__name__)


class TrainerNode(Node):
    """Runs one seat. `make_work(seat)` gives the seat's workshop once the seat is known; `recompute()` makes the
    files of standing results readable whose poster does not serve them."""

    def __init__(
        self,
        gateway: Gateway,
        store: Store,
        key: Key,
        project: int,
        description: Description,
        make_work: Callable[[int], Work],
        folder: Path,
        policy: Policy,
        pace: Pace,
        recompute: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(gateway, project, key.address, pace)
        self._recompute = recompute
        self._unserved_since: dict[bytes, float] = {}
        self._recomputed: set[bytes] = set()
        self._store = store
        self._key = key
        self._description = description
        self._make_work = make_work
        self._folder = folder
        self._policy = policy
        self._work: Work | None = None
        self._sampled: set[bytes] = set()
        self._proof: tuple[bytes, AccountProof] | None = None
        deployment = gateway.deployment
        self._place = Place(deployment.chain_id, deployment.market)

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

    # ----- duties -----

    def _seal(self, snapshot: ProjectSnapshot, duty: Duty) -> bool:
        round_, base_root = duty.round, snapshot.rounds[duty.round].base_root
        seat = self._seat(snapshot)
        try:
            self._check_base(base_root)
        except (VerificationError, UpdateError, DocumentError, StoreError) as reason:
            self.warn(Duty(Kind.WARN, round_, f"not sealing on this base: {reason}"))
            return self._rescue(base_root)
        data = self._update(round_, seat, base_root)
        if self._work is not None:
            self._work.forget(snapshot.project.terminal_up_to)
        salt = self._salt(round_)
        sealed = short_seal(self._seal_hash(round_, base_root, update_root(data), salt))
        intent = f"seal/{self.project}/{round_}/{base_root.hex()[:8]}"
        return self.send("seal", self.project, round_, seat, sealed, intent=intent)

    def _reveal(self, snapshot: ProjectSnapshot, duty: Duty) -> bool:
        round_, base_root = duty.round, snapshot.rounds[duty.round].base_root
        seat = self._seat(snapshot)
        data = self._update(round_, seat, base_root)
        root, salt = update_root(data), self._salt(round_)
        if short_seal(self._seal_hash(round_, base_root, root, salt)) != snapshot.slots[round_]:
            lost = Duty(Kind.WARN, round_, "the sealed update is lost; the reveal costs one unit of stake")
            self.warn(lost)
            return False
        cid = self._publish(data, root)
        intent = f"reveal/{self.project}/{round_}"
        return self.send("reveal", self.project, round_, seat, root, salt, digest(cid), intent=intent)

    def _claim(self, snapshot: ProjectSnapshot) -> bool:
        proof = self._account_proof()
        if proof is None:
            return False
        round_, seat = snapshot.project.last_final, self._seat(snapshot)
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
        seat = self._seat(snapshot)
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
        number = self._seat(snapshot)
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
        rounds, seat = self.observer.history.rounds, self._seat(snapshot)
        mine = [n for n, facts in rounds.items() if n > snapshot.seat.joined and seat in facts.seals]
        return len(mine) < self._policy.rounds

    def _open_pay(self, snapshot: ProjectSnapshot) -> bool:
        return snapshot.seat is not None and snapshot.earned > snapshot.seat.claimed

    def _seat(self, snapshot: ProjectSnapshot) -> int:
        assert snapshot.seat_number is not None  # duties are for holders of a seat
        return snapshot.seat_number

    def _update(self, round_: int, seat: int, base_root: bytes) -> bytes:
        """The update of a round, as it was sealed if it was; asks nobody for what lies in the folder."""
        self._work = self._work or self._make_work(seat)
        return self._work.update(
            round_, base_root, self._bases(), self.observer.history, self._policy.trust_model
        )

    def _bases(self) -> Bases:
        return Bases(self._store, self._description, self.observer.history, self._folder / "models")

    def _check_base(self, base_root: bytes) -> None:
        """Rebuilds the base, reads what its result advises and recomputes a sample of it.

        Raises VerificationError when it lies; UpdateError, DocumentError or StoreError when that cannot be told.
        """
        bases = self._bases()
        bases.model(base_root, self._policy.trust_model)
        posted = self.observer.history.posted_model(base_root)
        bases.advice(posted)
        if posted is None or base_root in self._sampled or not self._policy.verify_sample:
            return
        bases.check_sample(posted, document_of(self._store, posted).weights())
        self._sampled.add(base_root)

    def _publish(self, data: bytes, root: bytes) -> str:
        """Puts the update into the store and reads it back: a reveal nobody can fetch earns nothing."""
        cid = self._store.put(data)
        back = fetch_bytes(self._store, cid, UPDATE.file_bytes(self._description.d), exact=True)
        check_root(update_root(back), root)
        return cid

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
        except (UpdateError, DocumentError, StoreError, VerificationError) as error:
            self.warn(Duty(Kind.WARN, final, f"accounts cannot be read ({error}); pay stays claimable"))
            self._rescue(commitment)
            return None
        self._proof = (commitment, proof)
        return proof

    def _rescue(self, what: bytes) -> bool:
        """Recomputes, once, what a base or an account could not be read from; True if the next look may see it.

        A while is left to the poster, whose network may be slow.
        """
        since = self._unserved_since.setdefault(what, time.monotonic())
        if what in self._recomputed or time.monotonic() - since < self.pace.chores_s:
            return False
        self._recomputed.add(what)
        log.info("recomputing what stands, to need nobody's files but the updates")
        self._recompute()
        return True

    def _salt(self, round_: int) -> bytes:
        return self._key.seal_salt(self._place.chain_id, self._place.market, self.project, round_)

    def _seal_hash(self, round_: int, base_root: bytes, root: bytes, salt: bytes) -> bytes:
        place = self._place
        return seal_hash(place.chain_id, place.market, self.project, round_, self.me, base_root, root, salt)
