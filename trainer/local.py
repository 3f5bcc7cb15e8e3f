"""One round of local training: the whole loop, readable from top to bottom.

Everything random comes from `seed`; the same seed, data and base on the same kind of device give the same
delta to the bit. One thread by default, since ten trainers may share two cores.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from threading import Lock
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from market.description import Description, Training
from market.errors import InputError, UpdateError
from trainer import models, tensors
from trainer.data import Dataset
from trainer.seeds import derive, generator

log = logging.getLogger(__name__)
Progress = Callable[[int, int, float], None]  # step (from 1), steps, loss
GPU_PAYS_FROM = 200_000  # parameters; below, starting kernels costs more than the arithmetic


def train_round(
    model: NDArray[np.int32],
    data: Dataset,
    description: Description,
    seed: bytes,
    device: str = "auto",
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Train from base `model` (int32 [d or d_pad]) and return the change of weights, float32 [d].

    The change is shortened to `step_bound`, so that the base of the next round is one others accept.
    Raises UpdateError E120 if training diverges, InputError E125 for a device that is not there.
    """
    hints = description.training
    base = tensors.weights(model, description.d, description.lsb_exponent)
    target, autocast = choose_device(device, description.d)
    inputs = torch.from_numpy(data.inputs).to(target)
    labels = torch.from_numpy(data.labels).to(target)
    with deterministic():
        network = models.build(description)
        tensors.load(network, base)
        network.to(target).train()
        weights = list(network.parameters())
        moments = [torch.zeros_like(weight) for weight in weights]
        for step, rows in enumerate(batches(len(data), hints.batch_size, hints.local_steps, seed), 1):
            picked = torch.from_numpy(rows).to(target)
            with autocast:
                loss = nn.functional.cross_entropy(network(inputs[picked]), labels[picked])
            descend(weights, torch.autograd.grad(loss, weights), moments, hints)
            value = loss.item()
            if not math.isfinite(value):
                raise UpdateError("E120", _diverged(value, step, hints.local_steps, hints.learning_rate))
            if progress is not None:
                progress(step, hints.local_steps, value)
        delta = tensors.flatten(network) - base
    return _shortened(delta, float(hints.step_bound), hints.learning_rate)


def descend(
    weights: list[nn.Parameter],
    gradients: Sequence[torch.Tensor],
    moments: list[torch.Tensor],
    hints: Training,
) -> None:
    """One step of SGD with momentum, as torch.optim.SGD does it.

    Written out because torch's own optimizers import its compiler, which takes seconds in every trainer.
    """
    with torch.no_grad():
        for weight, gradient, moment in zip(weights, gradients, moments, strict=True):
            moment.mul_(float(hints.momentum)).add_(gradient)
            weight.sub_(moment, alpha=float(hints.learning_rate))


def _shortened(delta: NDArray[np.float32], bound: float, learning_rate: str) -> NDArray[np.float32]:
    norm = float(np.linalg.norm(delta.astype(np.float64)))
    if not math.isfinite(norm):
        raise UpdateError(
            "E120", f"training diverged: weights are not finite; learning rate is {learning_rate}"
        )
    return delta if norm <= bound else (delta * np.float32(bound / norm)).astype(np.float32)


def _diverged(value: float, step: int, steps: int, learning_rate: str) -> str:
    return f"training diverged: loss is {value} at step {step} of {steps}; learning rate is {learning_rate}"


def batches(count: int, size: int, steps: int, seed: bytes) -> Iterator[NDArray[np.int64]]:
    """`steps` arrays of row numbers: shuffled, each row once before any comes again. Small data: all rows."""
    random = generator(derive(seed, "batches"))
    waiting = np.empty(0, dtype=np.int64)
    for _ in range(steps):
        while len(waiting) < min(size, count):
            waiting = np.concatenate([waiting, random.permutation(count)])
        yield waiting[:size]
        waiting = waiting[size:]


def choose_device(wanted: str, d: int) -> tuple[torch.device, Any]:
    """The device for a model of `d` parameters and its autocast context; logs the reason.

    `wanted` is auto, cpu, cuda or mps. bf16 autocast runs where tensor cores have it (CUDA 8.0 and later).
    Raises InputError E125 for a device that is unknown or missing.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted != "auto" and not there.get(wanted, False):
        found = ", ".join(name for name, is_there in there.items() if is_there)
        raise InputError("E125", f"device {wanted!r} is not available here; found {found}")
    best = next((name for name in ("cuda", "mps") if there[name]), "cpu")
    if wanted != "auto":
        name, reason = wanted, "as asked"
    elif best != "cpu" and d < GPU_PAYS_FROM:
        name, reason = "cpu", f"{d} parameters are too few for {best} to pay"
    else:
        name, reason = best, "no accelerator found" if best == "cpu" else "accelerator found"
    has_bf16 = name == "cuda" and torch.cuda.get_device_capability() >= (8, 0)
    _say_once(f"training on {name} ({reason}), {'bf16 autocast' if has_bf16 else 'float32'}")
    return torch.device(name), torch.autocast("cuda", torch.bfloat16) if has_bf16 else nullcontext()


@cache
def _say_once(text: str) -> None:
    """Every round asks for the device again; the log needs it once."""
    log.info(text)


@contextmanager
def deterministic(threads: int | None = None) -> Iterator[None]:
    """Deterministic kernels and `threads` CPU threads (FAIRTRAIN_THREADS, else 1) inside; restored after.

    Both belong to the process, not to the thread: where several train side by side, the last to leave restores
    what the first has found.
    """
    wanted = threads or _threads_wanted()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it, read at its first use
    _MODE.enter(wanted)
    try:
        yield
    finally:
        _MODE.leave()


class _Mode:
    """PyTorch's deterministic mode and threads, set by the first who needs them and restored by the last."""

    def __init__(self) -> None:
        self._lock, self._users, self._before = Lock(), 0, (0, 1)

    def enter(self, threads: int) -> None:
        with self._lock:
            if self._users == 0:
                self._before = torch.get_deterministic_debug_mode(), torch.get_num_threads()
                # As use_deterministic_algorithms, without importing the compiler.
                torch.set_deterministic_debug_mode("error")
            torch.set_num_threads(threads)
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                torch.set_deterministic_debug_mode(self._before[0])
                torch.set_num_threads(self._before[1])


_MODE: Final = _Mode()


def _threads_wanted() -> int:
    text = os.environ.get("FAIRTRAIN_THREADS", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 1_024):
        raise InputError("E125", f"FAIRTRAIN_THREADS must be a whole number from 1 to 1024, got {text!r}")
    return int(text)
