"""Attacks and rules of one's own: `file.py:name`."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.robustness.nets import Floats
from benchmarks.robustness.rules import GramRule, Rule, VectorRule
from benchmarks.robustness.scene import Attack, Craft, Scene
from market.errors import InputError

SIGNATURE = ("honest", "own", "past_global", "round", "rng")


def is_file(name: str) -> bool:
    """Whether this names something in a file and not in the bench."""
    return ".py:" in name


def attack_of(name: str) -> Attack:
    """The function `name` of a file: (honest [h, d], own [f, d], past_global [k, d], round, rng) -> [f, d], all
    float32, k newest first. Raises InputError E108 if it is not such a function."""
    function = _load(name)
    taken = tuple(inspect.signature(function).parameters) if callable(function) else ()
    if len(taken) != len(SIGNATURE):
        raise InputError(
            "E108", f"{name} takes ({', '.join(taken)}), expected a function of ({', '.join(SIGNATURE)})"
        )
    return Attack(name, _craft(function))


def rule_of(name: str) -> Callable[[], Rule]:
    """A factory of rules from the object `name` of a file.

    Either a class with `start(n)` and `weigh(gram, state, params)` (a Gram rule in integers, see
    `benchmarks.robustness.agreement`; True in `uses_reference`, `uses_deltas`, `uses_f` gives it more), or one with
    `begin`, `decide` and `ask` (a whole rule, see `benchmarks.robustness.rules.Rule`), made anew for each run, or a
    function `aggregate(updates float32 [n, d], f) -> [d]`. Raises InputError E108 for anything else.
    """
    found = _load(name)
    if inspect.isclass(found) and all(hasattr(found, call) for call in ("begin", "decide", "ask")):
        return lambda: _named(found(), name)
    if inspect.isclass(found) and hasattr(found, "weigh") and hasattr(found, "start"):
        return lambda: _named(GramRule(found()), name)
    if callable(found) and not inspect.isclass(found) and len(inspect.signature(found).parameters) == 2:
        return lambda: VectorRule(name, lambda f: lambda updates: found(updates, f))
    raise InputError(
        "E108",
        f"{name} is {type(found).__name__}, expected a class with start(n) and weigh(gram, state, params), or a "
        "function of (updates, f)",
    )


def _named(rule: Rule, name: str) -> Rule:
    rule.name = name
    return rule


def _craft(function: Callable[..., Any]) -> Craft:
    def craft(scene: Scene) -> Floats:
        sent: Floats = function(
            scene.honest.copy(), scene.own.copy(), scene.past_global.copy(), scene.round, scene.rng
        )
        return sent

    return craft


def _load(text: str) -> Any:
    file, _, name = text.rpartition(":")
    path = Path(file)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError(
            "E108", f"there is no file {file}; name a Python file and what is in it, file.py:name"
        )
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as problem:  # whatever a user's file raises is the user's to read
        raise InputError("E108", f"{file} cannot be loaded: {type(problem).__name__}: {problem}") from problem
    if not hasattr(module, name):
        public = [key for key in vars(module) if not key.startswith("_")]
        raise InputError("E108", f"{file} has no {name!r}; it has {', '.join(public) or 'nothing'}")
    return getattr(module, name)
