"""A trainer's updates on disk: made once for each round and base, found again after a crash.

An update that was sealed must be revealed bit by bit as it was. It is written before its seal is sent; if the
folder is lost it is made again from the same seed, base and residual, which gives the same bits.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from market.advice import advised
from market.codec import UPDATE, encode
from market.description import Description
from market.errors import UpdateError
from market.history import History
from market.store.files import publish, temporary_name, write_synced
from trainer.base import Bases
from trainer.data import Dataset
from trainer.producers import Context, Producer, Production, produce
from trainer.quantise import Carry, Int16

log = logging.getLogger(__name__)


class PastUpdates(Mapping[int, Int16]):
    """Updates revealed in one round by seat; a file is fetched when it is asked for."""

    def __init__(self, bases: Bases, history: History, round_: int) -> None:
        self._bases, self._history, self._round = bases, history, round_

    def __getitem__(self, seat: int) -> Int16:
        return self._bases.update(self._round, seat)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._history.round(self._round).reveals))

    def __len__(self) -> int:
        return len(self._history.round(self._round).reveals)


class Work:
    """Makes and keeps the updates of one seat. `seed`: 32 secret bytes of this trainer in this project."""

    def __init__(
        self,
        folder: Path,
        seat: int,
        seed: bytes,
        data: Dataset,
        description: Description,
        producer: Producer,
        device: str,
    ) -> None:
        self._folder = folder
        self._seat = seat
        self._seed = seed
        self._data = data
        self._description = description
        self._producer = producer
        self._device = device
        folder.mkdir(parents=True, exist_ok=True)

    def update(self, round_: int, base_root: bytes, bases: Bases, history: History, trust: bool) -> bytes:
        """The update file of a round, made if need be. Errors: those of `Bases` and of the producer."""
        path = self._folder / f"{round_:06d}-{base_root.hex()[:16]}.i16"
        if path.exists():
            return path.read_bytes()
        carry = self._carry()
        start = carry.into(round_)
        last = history.posted_model(base_root)
        context = Context(
            round=round_,
            seat=self._seat,
            seed=self._seed,
            base=bases.model(base_root, trust),
            data=self._data,
            description=advised(self._description, bases.advice(last)),
            last_delta=None if last is None else bases.delta(last),
            peers=PastUpdates(bases, history, round_ - 1),
            residual=start,
            device=self._device,
        )
        made = self._produced(context)
        self._write("residual", Carry(round_, start, made.residual).to_bytes())
        data = encode(made.update, UPDATE)
        self._write(path.name, data)
        return data

    def _produced(self, context: Context) -> Production:
        """Made as advised; where that diverges, as described: what is advised has been tried on other data."""
        try:
            made = produce(self._producer, context)
        except UpdateError as problem:
            if problem.code != "E120" or context.description == self._description:
                raise
            log.warning("round %d: %s; training as the project describes instead", context.round, problem)
            context = replace(context, description=self._description)
            made = produce(self._producer, context)
        if made.rounding is not None:
            log.info(
                "round %d: trained at learning rate %.4g; %.2f %% rounds to zero and is carried on",
                context.round,
                float(context.description.training.learning_rate),
                100 * made.rounding.vanished_fraction,
            )
        return made

    def forget(self, below: int) -> None:
        """Deletes updates of rounds below `below`: they are public and kept by the store."""
        for path in self._folder.glob("*.i16"):
            if int(path.name[:6]) < below:
                path.unlink(missing_ok=True)

    def _carry(self) -> Carry:
        path = self._folder / "residual"
        return Carry.from_bytes(path.read_bytes(), self._description.d) if path.exists() else Carry()

    def _write(self, name: str, data: bytes) -> None:
        part = self._folder / temporary_name(name)
        write_synced([data], part)
        publish(part, self._folder / name)
