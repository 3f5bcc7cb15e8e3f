"""Aggregators that lie, for demonstrations and tests: one wrong number, everything after it computed from it.

A liar serves what it posted and answers what it is asked, as far as its lie allows: `hidden` forges a leaf that it
cannot show, `silent` does not answer at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from aggregator.judge import Judgement, RoundInputs
from aggregator.ledger import Below, Choice, Ledger
from aggregator.refute.known import Question, answer_to
from aggregator.refute.mutate import Lie, Tamper, lie, tampered, tampered_entry
from aggregator.refute.proof_tree import Changed
from aggregator.role import AggregatorNode
from market.errors import InputError, VerificationError
from market.events import Asked, ResultPosted
from market.keccak import keccak256

log = logging.getLogger(__name__)


def _favourite(inputs: RoundInputs) -> int:
    return min(inputs.updates)


def _weight(inputs: RoundInputs) -> Tamper:
    return tampered_entry("weight", (_favourite(inputs),), 1)


def _gram(inputs: RoundInputs) -> Tamper:
    seat = _favourite(inputs)
    return tampered_entry("gram", (seat, seat), 1)


def _sketch(inputs: RoundInputs) -> Tamper:
    return tampered_entry("sketch", (_favourite(inputs), 7), 1)


def _step(inputs: RoundInputs) -> Tamper:
    """One smallest unit more for a friend."""
    return tampered_entry("pay", (_favourite(inputs),), 1)


def _delta(inputs: RoundInputs) -> Tamper:
    return tampered_entry("delta", (inputs.shape.d // 2,), 1)


def _model(inputs: RoundInputs) -> Tamper:
    """The delta is as it should be, the model is not."""
    return tampered_entry("model", (inputs.shape.d // 3,), 1)


def _nothing(_: RoundInputs) -> Tamper:
    return tampered("", lambda value: value)


KINDS: Final[Mapping[str, Callable[[RoundInputs], Tamper]]] = {
    "paid": _nothing,
    "weight": _weight,
    "gram": _gram,
    "sketch": _sketch,
    "step": _step,
    "delta": _delta,
    "model": _model,
    "hidden": _nothing,
    "silent": _step,
}
"""What each kind of liar changes."""


class LiarNode(AggregatorNode):
    """An aggregator that is honest but in one round. `kind`: one of KINDS."""

    def __init__(self, *args: Any, kind: str, lies_in: int, **options: Any) -> None:
        super().__init__(*args, **options)
        if kind not in KINDS:
            raise InputError("E119", f"unknown lie {kind!r}; there are {', '.join(KINDS)}")
        self._kind, self._lies_in = kind, lies_in
        self._told: dict[bytes, Lie] = {}

    def _judged(self, ledger: Ledger, number: int, choice: Choice, below: Below) -> Judgement:
        if number != self._lies_in:
            return super()._judged(ledger, number, choice, below)
        inputs = ledger.inputs(number, choice, below, self.me)
        folder: Path = self._folder / "lie"
        folder.mkdir(parents=True, exist_ok=True)
        slots = below.step_roots
        told = lie(inputs, folder, KINDS[self._kind](inputs), start=not slots, step_roots_below=slots or None)
        if self._kind == "hidden":
            told = _forged(told)
        if self._kind == "paid":
            # Named in the post; the steps are honest.
            told = replace(told, judgement=replace(told.judgement, paid=told.judgement.paid // 2))
        log.warning("round %d: lying about %s", number, self._kind)
        self._told[told.judgement.roots.steps + told.judgement.roots.sketches] = told
        return told.judgement

    def _answer_to(self, asked: Asked, posted: ResultPosted) -> bytes:
        roots = posted.post.roots
        told = self._told.get(roots.steps + roots.sketches)
        if told is None:
            return super()._answer_to(asked, posted)
        if self._kind == "silent":
            raise VerificationError(f"round {posted.round}", "a lie", "and no answer")
        question = Question(asked.tree, asked.level, asked.index, asked.row)
        try:
            return answer_to(told.trees.of(asked.tree, asked.row), question)
        except KeyError:
            raise VerificationError(f"round {posted.round}", "a leaf", "that cannot be shown") from None

    def _remember(self, ledger: Ledger, number: int, below: Below, judgement: Judgement) -> None:
        if number != self._lies_in:
            super()._remember(ledger, number, below, judgement)


def _forged(told: Lie) -> Lie:
    """With a leaf of the inner products whose content nobody knows, the liar included."""
    trees, seat = told.trees, min(told.trees.case.included)
    place = seat << trees.case.shape.row_bits | seat
    tree = Changed(trees.gram, {}, {place: keccak256(np.arange(9).tobytes())})
    trees = trees.with_tree("gram", tree)
    return Lie(replace(told.judgement, roots=trees.roots()), trees)
