"""What a check of a step of the rule reads after the posted entry, in the order of `contracts/src/checks/rule`.

One function for each step of `aggregator.rule`, of the same name (`novelty_reads` has those of `aggregator.novelty`);
it appends to the evidence the inputs of the entry of seat `i` (and `j`). Where inputs decide what else is read,
they are taken from the honest view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aggregator.refute import novelty_reads
from aggregator.refute.evidence import Evidence
from aggregator.rule import HOSTILE, MIN_SEATS, RATE, leader
from aggregator.steps import View

Reads = Callable[[Evidence, View, int, int], None]
"""(evidence, honest view, i, j); j is 0 for vectors, both are 0 for scalars."""


# ----- aggregator.rule -----


def norm(e: Evidence, v: View, i: int, j: int) -> None:
    """The diagonal of the Gram matrix."""
    e.gram(i, i)


def cosine(e: Evidence, v: View, i: int, j: int) -> None:
    """Inner product and both lengths."""
    if i == j:
        e.at("norm", i)
    elif v.is_included[j]:
        e.gram(i, j)
        e.at("norm", i)
        e.at("norm", j)


def norm_median(e: Evidence, v: View, i: int, j: int) -> None:
    """All lengths."""
    e.vector("norm")


def clipping(e: Evidence, v: View, i: int, j: int) -> None:
    """Length, then the median."""
    e.at("norm", i)
    if v.norm[i]:
        e.scalar("norm_median")


def kinship(e: Evidence, v: View, i: int, j: int) -> None:
    """The cosine, then the average before, unless one of both is all that counts."""
    if not (_is_judged(v, i) and v.is_included[j]):
        e.before("kinship", i, j)
        return
    e.entry("cosine", i, j)
    if not (e.case.first[i] or e.case.first[j]):
        e.before("kinship", i, j)


def kinship_bar(e: Evidence, v: View, i: int, j: int) -> None:
    """Average cosines with all."""
    if _largest(v):
        e.row("kinship", i)


def cosine_bar(e: Evidence, v: View, i: int, j: int) -> None:
    """Cosines with all."""
    if _largest(v):
        e.row("cosine", i)


def coherence_past(e: Evidence, v: View, i: int, j: int) -> None:
    """Average cosines with all, and their bar."""
    if _largest(v):
        e.row("kinship", i)
        e.at("kinship_bar", i)


def coherence_now(e: Evidence, v: View, i: int, j: int) -> None:
    """Cosines with all, and their bar."""
    if _largest(v):
        e.row("cosine", i)
        e.at("cosine_bar", i)


def coherence_past_median(e: Evidence, v: View, i: int, j: int) -> None:
    """Coherence of all."""
    e.vector("coherence_past")


def coherence_now_median(e: Evidence, v: View, i: int, j: int) -> None:
    """Coherence of all."""
    e.vector("coherence_now")


def discount(e: Evidence, v: View, i: int, j: int) -> None:
    """Median and own coherence, past and now."""
    e.scalar("coherence_past_median")
    e.at("coherence_past", i)
    e.scalar("coherence_now_median")
    e.at("coherence_now", i)


def standing(e: Evidence, v: View, i: int, j: int) -> None:
    """Reputation before, and the discount."""
    e.before_reputation(i)
    e.at("discount", i)


def pull(e: Evidence, v: View, i: int, j: int) -> None:
    """Cosines with all, and their standing."""
    e.row("cosine", i)
    e.vector("standing")


def pull_median(e: Evidence, v: View, i: int, j: int) -> None:
    """Pull and standing of all."""
    e.vector("pull")
    e.vector("standing")


def outlook(e: Evidence, v: View, i: int, j: int) -> None:
    """Cosines of both with all, and the standing of all."""
    if v.is_included[j]:
        e.row("cosine", i)
        e.vector("standing")
        if i != j:
            e.row("cosine", j)


def outlook_median(e: Evidence, v: View, i: int, j: int) -> None:
    """What seat i sees of all, from cosines and standing, and their inner products with it."""
    e.row("cosine", i)
    e.vector("standing")
    e.row("outlook", i)


def trust(e: Evidence, v: View, i: int, j: int) -> None:
    """Length of the reference, inner product with it and own length; nothing without one."""
    if _has_reference(e, v):
        e.gram(i, v.shape.reference)
        e.at("norm", i)


def voice(e: Evidence, v: View, i: int, j: int) -> None:
    """Standing and whether there is a reference; without one who leads, and whether i leans to it."""
    e.at("standing", i)
    if _has_reference(e, v):
        return
    e.scalar("pull_median")
    e.vector("outlook_median")
    k = leader(v)
    if k is not None:
        e.entry("outlook", k, i)
        e.entry("cosine", k, i)


def echo(e: Evidence, v: View, i: int, j: int) -> None:
    """Cosines with all, and their voices; with a reference, the cosine with it."""
    e.row("cosine", i)
    e.vector("voice")
    if _has_reference(e, v):
        e.at("trust", i)


def echo_sum(e: Evidence, v: View, i: int, j: int) -> None:
    """Voices and echoes of all; with a reference, their cosines with it."""
    e.vector("voice")
    e.vector("echo")
    if _has_reference(e, v):
        e.vector("trust")


def agreement(e: Evidence, v: View, i: int, j: int) -> None:
    """Length, then own voice and echo, and the squared length of the direction."""
    e.at("norm", i)
    if v.norm[i]:
        e.at("voice", i)
        e.at("echo", i)
        e.scalar("echo_sum")


def agreement_median(e: Evidence, v: View, i: int, j: int) -> None:
    """Agreement of all."""
    e.vector("agreement")


def presence(e: Evidence, v: View, i: int, j: int) -> None:
    """Median and own agreement; with a reference, the cosine with it."""
    e.scalar("agreement_median")
    e.at("agreement", i)
    if _has_reference(e, v):
        e.at("trust", i)


def reputation(e: Evidence, v: View, i: int, j: int) -> None:
    """Reputation before, then the median and own agreement if they count."""
    e.before_reputation(i)
    if _is_judged(v, i):
        e.scalar("agreement_median")
        e.at("agreement", i)


def merit(e: Evidence, v: View, i: int, j: int) -> None:
    """Length, then its three factors."""
    e.at("norm", i)
    if v.norm[i] and v.n >= MIN_SEATS:
        e.at("reputation", i)
        e.at("discount", i)
        e.at("presence", i)


def merit_sum(e: Evidence, v: View, i: int, j: int) -> None:
    """Merit of all."""
    e.vector("merit")


def weight(e: Evidence, v: View, i: int, j: int) -> None:
    """Sum of merit, then the own."""
    e.scalar("merit_sum")
    if v.merit_sum:
        e.at("merit", i)


def coefficient(e: Evidence, v: View, i: int, j: int) -> None:
    """Weight and clipping."""
    e.at("weight", i)
    e.at("clipping", i)


def strikes(e: Evidence, v: View, i: int, j: int) -> None:
    """Agreement, its median, who points away from i, then strikes before: up to what ends them."""
    if _is_judged(v, i):
        e.at("agreement", i)
        if v.agreement[i] > -HOSTILE:
            return
        e.scalar("agreement_median")
        if v.agreement_median <= 0:
            return
        e.row("kinship", i)
        if 2 * sum(v.kinship[i, other] < 0 for other in v.others(i)) <= v.n:
            return
    e.before("strikes", i)


def penalty(e: Evidence, v: View, i: int, j: int) -> None:
    """Strikes."""
    if v.n >= MIN_SEATS:
        e.at("strikes", i)


def advice(e: Evidence, v: View, i: int, j: int) -> None:
    """Advice before; of the learning rate, lengths and inner product of the last two global deltas too."""
    e.before_round("advice", i)
    if i != RATE or v.n < MIN_SEATS:
        return
    last, older = v.shape.delta(0), v.shape.delta(1)
    e.gram(last, last)
    e.gram(older, older)
    if v.root[last] and v.root[older]:
        e.gram(last, older)


# ----- for several -----


def _is_judged(v: View, i: int) -> bool:
    return bool(v.is_included[i]) and v.n >= MIN_SEATS


def _has_reference(e: Evidence, v: View) -> bool:
    """Reads the squared length of the reference where the bitmaps name it; whether it counts."""
    row = v.shape.reference
    e.gram(row, row)
    return row in e.case.present and bool(v.root[row])


def _largest(v: View) -> int:
    """How many of the largest entries coherence is taken of."""
    return (int(v.n) - 1) // 2


READS: Final[dict[str, Reads]] = {
    reads.__name__: reads
    for reads in (
        norm, cosine, norm_median, clipping,
        kinship, kinship_bar, cosine_bar, coherence_past, coherence_now,
        coherence_past_median, coherence_now_median,
        discount, standing, pull, pull_median, outlook, outlook_median,
        trust, voice, echo, echo_sum, agreement, agreement_median, presence,
        reputation, merit, merit_sum, weight, coefficient, strikes, penalty,
        advice,
    )
} | novelty_reads.READS  # fmt: skip
