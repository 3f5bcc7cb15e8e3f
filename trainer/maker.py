"""What trainers and the owner's reference share: make an update, seal it, publish it, reveal it, in every round.

Neither trusts base, store or node: it trains on no base that it could not rebuild, and loses no update that is sealed.
"""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from market.cid import digest
from market.claims import Place, document_of
from market.codec import UPDATE, check_root, update_root
from market.description import Description
from market.duties import Duty, Kind
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
UNUSABLE = (VerificationError, UpdateError, DocumentError, StoreError)
"""Why a base may not be trained on."""


class UpdateNode(Node):
    """Makes and shows updates. `make_work(slot)` gives their workshop once the slot is known; `recompute()` makes the
    files of standing results readable whose poster does not serve them."""

    seal_call: ClassVar[str]
    reveal_call: ClassVar[str]
    """Names of the two calls of the contract, which begin with the arguments that `where` gives."""
    loss: ClassVar[str]
    """what it costs not to reveal what was sealed"""

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
        deployment = gateway.deployment
        self._place = Place(deployment.chain_id, deployment.market)

    @abstractmethod
    def slot(self, snapshot: ProjectSnapshot) -> int:
        """The slot of my updates among those of a round."""

    @abstractmethod
    def where(self, snapshot: ProjectSnapshot, round_: int) -> tuple[int, ...]:
        """First arguments of both calls: project, round, and the seat where there is one."""

    # ----- duties -----

    def _train(self, snapshot: ProjectSnapshot, round_: int) -> bytes | None:
        """The update of a round on a base that was checked; None if its base may not be trained on."""
        base_root = snapshot.rounds[round_].base_root
        try:
            self._check_base(base_root)
        except UNUSABLE as reason:
            self.warn(Duty(Kind.WARN, round_, f"not sealing on this base: {reason}"))
            return None
        return self._update(round_, self.slot(snapshot), base_root)

    def _seal(self, snapshot: ProjectSnapshot, duty: Duty) -> bool:
        round_, base_root = duty.round, snapshot.rounds[duty.round].base_root
        data = self._train(snapshot, round_)
        if data is None:
            return self._rescue(base_root)
        if self._work is not None:
            self._work.forget(snapshot.project.terminal_up_to)
        sealed = short_seal(self._seal_hash(round_, base_root, update_root(data), self._salt(round_)))
        intent = f"{self.seal_call}/{self.project}/{round_}/{base_root.hex()[:8]}"
        return self.send(self.seal_call, *self.where(snapshot, round_), sealed, intent=intent)

    def _reveal(self, snapshot: ProjectSnapshot, duty: Duty) -> bool:
        round_, base_root = duty.round, snapshot.rounds[duty.round].base_root
        data = self._update(round_, self.slot(snapshot), base_root)
        root, salt = update_root(data), self._salt(round_)
        if short_seal(self._seal_hash(round_, base_root, root, salt)) != snapshot.slots[round_]:
            self.warn(Duty(Kind.WARN, round_, f"the sealed update is lost; {self.loss}"))
            return False
        cid = self._publish(data, root)
        intent = f"{self.reveal_call}/{self.project}/{round_}"
        arguments = (*self.where(snapshot, round_), root, salt, digest(cid))
        return self.send(self.reveal_call, *arguments, intent=intent)

    # ----- parts -----

    def _update(self, round_: int, slot: int, base_root: bytes) -> bytes:
        """The update of a round, as it was sealed if it was; asks nobody for what lies in the folder."""
        self._work = self._work or self._make_work(slot)
        return self._work.update(
            round_, base_root, self._bases(), self.observer.history, self._policy.trust_model
        )

    def _bases(self) -> Bases:
        return Bases(self._store, self._description, self.observer.history, self._folder / "models")

    def _check_base(self, base_root: bytes) -> None:
        """Rebuilds the base, reads what the result that made it advises, and recomputes a sample of that result.

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
