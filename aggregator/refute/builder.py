"""From a difference to the refutation that convicts: evidence in the order in which the check reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aggregator.refute import pay_reads, rule_reads, tree_reads
from aggregator.refute.differences import Difference
from aggregator.refute.evidence import Evidence
from aggregator.refute.trees import Case, Trees
from aggregator.rows import Shape
from aggregator.steps import Step, View
from aggregator.trees import SCALARS, SLOTS
from market.events import ResultPosted
from market.refutation import Below, Check, Refutation, Tree

READS: Final = rule_reads.READS | pay_reads.READS
"""What the check of each step reads after the posted entry, by name of the step."""


def evidence_for(found: Difference, posted: Trees, view: View) -> bytes:
    """Evidence of a difference. `view`: the honest numbers, which decide what steps read.

    Raises Hidden where a posted tree is not known at a place that has to be opened.
    """
    evidence = Evidence(posted)
    if found.check is Check.Step:
        _step(evidence, view, found)
    else:
        tree_reads.READS[found.check](evidence, found.a, found.b, found.c)
    return evidence.bytes()


def refutation(
    found: Difference, evidence: bytes, posted: ResultPosted, below: Sequence[Below]
) -> Refutation:
    """The record that `Market.refute` takes. `below`: preimages of the results below, newest first, as many as
    `results_needed` says, or fewer where the start is nearer."""
    post = posted.post
    return Refutation(
        check=found.check,
        a=found.a,
        b=found.b,
        c=found.c,
        included=post.included,
        rows=post.rows,
        roots=post.roots,
        below=tuple(below),
        evidence=evidence,
    )


def results_needed(found: Difference, shape: Shape) -> int:
    """How many results below a check looks at, where there are as many."""
    if found.check in (Check.Step, Check.Account, Check.Model):
        return 1
    row = _file_of(found)
    return row - shape.delta(0) + 1 if row is not None and shape.reference < row < shape.first_past else 0


def _file_of(found: Difference) -> int | None:
    """The row of sketches whose file a check reads."""
    if found.check in (Check.Sketch, Check.Update):
        return found.a
    return found.c if found.check is Check.Presence and found.a == Tree.Update else None


def _step(e: Evidence, view: View, found: Difference) -> None:
    slot, i, j = found.a, found.b, found.c
    if slot == 0:
        e.scalar(SCALARS[i].name)
        READS[SCALARS[i].name](e, view, 0, 0)
        return
    step = SLOTS[slot - 1]
    if step.kind == "matrix":
        e.entry(step.name, i, j)
    else:
        e.at(step.name, i)
    if _is_computed(step, e.case, i, j):
        READS[step.name](e, view, i, j)


def _is_computed(step: Step, case: Case, i: int, j: int) -> bool:
    """Whether an entry has a value to compute: padding, and seats that are not included, are zero."""
    seats = case.shape.seats
    inside = (j if step.kind == "matrix" else i) < step.length(seats)
    return inside and (step.carried or i in case.included)
