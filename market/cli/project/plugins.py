"""What `market` needs from packages that it must not import (torch stays in `trainer`): found by entry points."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Protocol

from market.cli import CommandError
from market.cli.context import App
from market.cli.keys import KeyChoice
from market.node import Pace

DATA = "fairtrain.data"
EVALUATORS = "fairtrain.evaluators"
REFERENCES = "fairtrain.references"


class Inspector(Protocol):
    """What a data file holds: `{"shape": [...], "labels": [...], "samples": n, "subtract": ..., "divide_by": ...}`."""

    def __call__(self, specification: str, shape: tuple[int, ...] = ()) -> Mapping[str, Any]: ...


class Evaluator(Protocol):
    """Measures a model file on test data: `{"accuracy": 0 to 1, "loss": ..., "samples": n}`."""

    def __call__(self, description: bytes, model: bytes, test: str) -> Mapping[str, Any]: ...


class Reference(Protocol):
    """Runs the owner's reference; True when nothing is left to do, False when it was told to stop."""

    def __call__(
        self,
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
    ) -> bool: ...


def inspector() -> Inspector:
    """The reader of data files. Raises CommandError E105 if the trainer's packages are not there."""
    found: Inspector = _load(DATA, "inspect")
    return found


def evaluator() -> Evaluator:
    """The evaluator of models. Raises CommandError E105 if the trainer's packages are not there."""
    found: Evaluator = _load(EVALUATORS, "torch")
    return found


def reference() -> Reference:
    """The daemon of the owner's reference. Raises CommandError E105 if the trainer's packages are not there."""
    found: Reference = _load(REFERENCES, "torch")
    return found


def _load(group: str, name: str) -> Any:
    for entry in entry_points(group=group, name=name):
        try:
            return entry.load()
        except (ImportError, AttributeError) as error:
            raise _missing(group, name, str(error)) from None
    raise _missing(group, name, "not installed")


def _missing(group: str, name: str, reason: str) -> CommandError:
    return CommandError("E105", f"{group}/{name}: {reason}; run `pip install 'fairtrain[trainer]'`")
