"""A producer from a user's file: the attack that the judgement bench runs, against the real market.

`file.py:name` is a function `(honest [h, d], own [f, d], past_global [k, d], round, rng) -> [f, d]` of float32
arrays in units of the model. Here f is 1 and `own` is what this seat would honestly send; `honest` are the files
that the others revealed in the round before (h is 0 in round 1), `past_global` is the last global delta (k is 0 or
1), `round` counts from 0, and `rng` is a numpy generator from this seat's secret, so that the update can be made
again after a crash.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.errors import InputError, UpdateError
from trainer.producers import Context, Producer, Production, find, honest
from trainer.quantise import HIGHEST, LOWEST, Float32, Int16

MARK = ".py:"
"""What tells `file.py:name` from the name of a producer."""


def chosen(text: str) -> Producer:
    """A producer by name, or from `file.py:name`. Raises InputError E125 if there is none."""
    return producer_of(text) if MARK in text else find(text)


def producer_of(text: str) -> Producer:
    """The producer that `file.py:name` describes. Raises InputError E125 if there is no such function."""
    file, _, name = text.rpartition(":")
    try:
        found = runpy.run_path(str(Path(file)))
    except Exception as problem:  # whatever a user's file raises is the user's to read
        raise InputError("E125", f"{file} cannot be run: {type(problem).__name__}: {problem}") from problem
    if not callable(found.get(name)):
        raise InputError("E125", f"{file} has no function {name!r}; name one that it has, file.py:name")
    return _producer(text, found[name])


def _producer(text: str, attack: Callable[..., Any]) -> Producer:
    def producer(context: Context) -> Production:
        step = np.float32(2.0**-context.description.lsb_exponent)
        rng = np.random.default_rng(int.from_bytes(context.secret("attack"), "big"))
        trained = honest(context)
        own = trained.update[None].astype(np.float32) * step
        sent = np.asarray(attack(_others(context, step), own, _past(context, step), context.round - 1, rng))
        return Production(_fitting(text, sent, own.shape, step), trained.residual, trained.rounding)

    return producer


def _others(context: Context, step: np.float32) -> Float32:
    """What the other seats revealed in the round before, by seat: float32 [h, d]."""
    d = context.description.d
    files = [context.peers[seat][:d] for seat in sorted(context.peers) if seat != context.seat]
    return np.array(files, np.float32).reshape(-1, d) * step


def _past(context: Context, step: np.float32) -> Float32:
    d = context.description.d
    rows = [] if context.last_delta is None else [context.last_delta[:d]]
    return np.array(rows, np.float32).reshape(-1, d) * step


def _fitting(text: str, sent: NDArray[Any], shape: tuple[int, ...], step: np.float32) -> Int16:
    if sent.shape != shape:
        raise UpdateError("E121", f"{text}: got shape {sent.shape}, expected {shape}")
    if not np.isfinite(sent).all():
        raise UpdateError("E120", f"{text}: got numbers that are not finite; give finite ones")
    whole: Int16 = np.clip(np.rint(sent[0] / step), LOWEST, HIGHEST).astype(np.int16)
    return whole
