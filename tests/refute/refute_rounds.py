"""Judged rounds with trees that can be opened, for tests of refutations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aggregator.judge import Judgement, RoundInputs, judge
from aggregator.refute.trees import Trees, judged_trees
from tests.aggregator.sample_rounds import Project, honest_updates

Updates = Mapping[int, NDArray[np.int16]]


@dataclass(frozen=True)
class Made:
    """A judged round, its trees, and the judgement below it (None: the start)."""

    inputs: RoundInputs
    judgement: Judgement
    trees: Trees
    before: Judgement | None


def made(
    folder: Path,
    seats: int,
    d: int,
    rounds: int,
    included: Sequence[int],
    seed: int = 1,
    updates: Sequence[Updates] | None = None,
    merged: bool = True,
) -> Made:
    """The last of `rounds` rounds in which the same seats took part; `updates`: theirs, one for each round."""
    project, rng = Project(folder, d, seats), np.random.default_rng(seed)
    given = updates or [honest_updates(d, included, rng) for _ in range(rounds)]
    before: Judgement | None = None
    for values in given[:-1]:
        before = project.round(values)
    return judged(project, given[-1], before, merged)


def judged(project: Project, updates: Updates, before: Judgement | None, merged: bool = True) -> Made:
    """One more round of a project, with its trees; the project does not move on."""
    inputs = project.inputs(updates, merged)
    out = project.folder / f"out-{project.number}-{len(list(project.folder.iterdir()))}"
    out.mkdir()
    judgement = judge(inputs, out)
    slots = before.step_roots if before else None
    return Made(
        inputs,
        judgement,
        judged_trees(inputs, judgement, start=before is None, step_roots_below=slots),
        before,
    )
