"""What a check of a step of pay reads after the posted entry, in the order of `contracts/src/checks/pay`.

One function for each step of `aggregator.pay`, of the same name; it appends to the evidence the inputs of the
entry of seat `i` (and `j`). Where inputs decide what else is read, they are taken from the honest view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aggregator.refute.evidence import Evidence
from aggregator.rule import MIN_SEATS
from aggregator.steps import View

Reads = Callable[[Evidence, View, int, int], None]
"""(evidence, honest view, i, j); j is 0 for vectors, both are 0 for scalars."""


def residual_norm(e: Evidence, v: View, i: int, j: int) -> None:
    """The diagonal of the residuals' inner products."""
    e.entry("residual_gram", i, i)


def pay_clipping(e: Evidence, v: View, i: int, j: int) -> None:
    """Median norm and norm."""
    e.scalar("norm_median")
    e.at("norm", i)


def live(e: Evidence, v: View, i: int, j: int) -> None:
    """Norm, median norm and residual norm."""
    e.at("norm", i)
    e.scalar("norm_median")
    e.at("residual_norm", i)


def age(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before, and whether this round counts."""
    e.before("age", i)
    if v.is_included[i]:
        e.scalar("has_public")


def twin(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before, then, if both seats are live, their product and lengths."""
    e.before("twin", i, j)
    if i == j or not (v.is_included[i] and v.is_included[j]):
        return
    e.scalar("has_public")
    if not v.has_public:
        return
    e.at("live", i)
    if not v.live[i]:
        return
    e.at("live", j)
    if not v.live[j]:
        return
    e.entry("residual_gram", i, j)
    e.at("residual_norm", i)
    e.at("residual_norm", j)


def twin_mean(e: Evidence, v: View, i: int, j: int) -> None:
    """Sum of the pair and rounds of both."""
    if v.is_included[j]:
        e.entry("twin", i, j)
        e.at("age", i)
        e.at("age", j)


def twin_typical(e: Evidence, v: View, i: int, j: int) -> None:
    """Averages with all others."""
    e.row("twin_mean", i)


def twin_bar(e: Evidence, v: View, i: int, j: int) -> None:
    """What is typical of each seat."""
    e.vector("twin_typical")


def alike(e: Evidence, v: View, i: int, j: int) -> None:
    """Average of the pair and the bar."""
    if i != j and v.is_included[j]:
        e.entry("twin_mean", i, j)
        e.scalar("twin_bar")


def crowd(e: Evidence, v: View, i: int, j: int) -> None:
    """Likeness to all others."""
    e.row("alike", i)


def heard(e: Evidence, v: View, i: int, j: int) -> None:
    """Rounds before, and if there were some, the sum of agreement before."""
    e.before("age", i)
    if v.before_age[i]:
        e.before("earned", i)


def pay_voice(e: Evidence, v: View, i: int, j: int) -> None:
    """Clipping, how far it is heard, and crowd."""
    e.at("pay_clipping", i)
    e.at("heard", i)
    e.at("crowd", i)


def pay_echo(e: Evidence, v: View, i: int, j: int) -> None:
    """Inner products with all seats, and their weights."""
    e.gram_row(i)
    e.vector("pay_voice")


def pay_echo_sum(e: Evidence, v: View, i: int, j: int) -> None:
    """Weights and echoes of all."""
    e.vector("pay_voice")
    e.vector("pay_echo")


def others_norm(e: Evidence, v: View, i: int, j: int) -> None:
    """Own weight, squared length, the sum's squared length and own echo."""
    e.at("pay_voice", i)
    e.gram(i, i)
    e.scalar("pay_echo_sum")
    e.at("pay_echo", i)


def agreed(e: Evidence, v: View, i: int, j: int) -> None:
    """Lengths, then likeness, weight and product of all others."""
    e.at("norm", i)
    e.at("others_norm", i)
    e.row("alike", i)
    e.vector("pay_voice")
    e.gram_row(i)


def new_voice(e: Evidence, v: View, i: int, j: int) -> None:
    """Weight and agreement."""
    e.at("pay_voice", i)
    e.at("agreed", i)


def new_echo(e: Evidence, v: View, i: int, j: int) -> None:
    """Residual products with all seats, and their weights."""
    e.row("residual_gram", i)
    e.vector("new_voice")


def new_echo_sum(e: Evidence, v: View, i: int, j: int) -> None:
    """Weights and echoes of all."""
    e.vector("new_voice")
    e.vector("new_echo")


def new_others_norm(e: Evidence, v: View, i: int, j: int) -> None:
    """Own weight, squared length, the sum's squared length and own echo, of residuals."""
    e.at("new_voice", i)
    e.entry("residual_gram", i, i)
    e.scalar("new_echo_sum")
    e.at("new_echo", i)


def new_sum(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before, then, if this round counts, all of the pair's term."""
    e.before("new_sum", i, j)
    if i == j or not (v.is_included[i] and v.is_included[j]):
        return
    e.scalar("has_public")
    if not v.has_public:
        return
    e.at("live", i)
    if v.live[i]:
        e.at("residual_norm", i)
        e.at("norm", i)
        e.at("new_others_norm", i)
        e.entry("alike", i, j)
        e.at("new_voice", j)
        e.entry("residual_gram", i, j)


def earned(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before and, if this round counts, agreement."""
    e.before("earned", i)
    if not v.is_included[i]:
        return
    e.scalar("has_public")
    if v.has_public:
        e.at("live", i)
    if v.live[i] or not v.has_public:
        e.at("agreed", i)


def newness(e: Evidence, v: View, i: int, j: int) -> None:
    """Sums with all others, then the last term cut off at either end: hints that spare the contract sorting."""
    e.row("new_sum", i)
    terms, cut = sorted(v.new_sum[i, k] for k in v.others(i)), 3 * v.n // 20
    if cut:
        e.raw(b"".join(int(term).to_bytes(8, "big", signed=True) for term in (terms[cut - 1], terms[-cut])))


def judged(e: Evidence, v: View, i: int, j: int) -> None:
    """Sum of agreement and rounds."""
    e.at("earned", i)
    e.at("age", i)


def newness_median(e: Evidence, v: View, i: int, j: int) -> None:
    """Who is judged, and what is new in all."""
    e.vector("judged")
    e.vector("newness")


def ratio(e: Evidence, v: View, i: int, j: int) -> None:
    """The median and, if it is positive, the own new agreement."""
    e.scalar("newness_median")
    if v.newness_median > 0:
        e.at("newness", i)


def gate(e: Evidence, v: View, i: int, j: int) -> None:
    """Rounds, whether judged, the median and the own ratio, until the gate is decided."""
    if v.n < MIN_SEATS:
        return
    e.at("age", i)
    if not v.age[i]:
        return
    e.at("judged", i)
    if not v.judged[i]:
        return
    e.scalar("newness_median")
    if v.newness_median > 0:
        e.at("ratio", i)


def earned_bar(e: Evidence, v: View, i: int, j: int) -> None:
    """What all earned."""
    e.vector("earned")


def claim(e: Evidence, v: View, i: int, j: int) -> None:
    """What it earned, the bar, the gate and the crowd."""
    e.at("earned", i)
    e.scalar("earned_bar")
    e.at("gate", i)
    e.at("crowd", i)


def had(e: Evidence, v: View, i: int, j: int) -> None:
    """What it had received before."""
    e.before("received", i)


def worth(e: Evidence, v: View, i: int, j: int) -> None:
    """Claims of all, and what all had."""
    e.vector("claim")
    e.vector("had")


def points(e: Evidence, v: View, i: int, j: int) -> None:
    """The claim, what claims are worth, and what it had."""
    e.at("claim", i)
    e.scalar("worth")
    e.at("had", i)


def points_sum(e: Evidence, v: View, i: int, j: int) -> None:
    """Points of all."""
    e.vector("points")


def pay(e: Evidence, v: View, i: int, j: int) -> None:
    """Sum of points, then own points if anybody has some."""
    e.scalar("points_sum")
    if v.points_sum:
        e.at("points", i)


def paid(e: Evidence, v: View, i: int, j: int) -> None:
    """Pay of all."""
    e.vector("pay")


def received(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before, then, if included, the sum of points and own points if anybody has some."""
    e.before("received", i)
    if not v.is_included[i]:
        return
    e.scalar("points_sum")
    if v.points_sum:
        e.at("points", i)


READS: Final[dict[str, Reads]] = {
    reads.__name__: reads
    for reads in (
        residual_norm, pay_clipping, live,
        age, twin, twin_mean, twin_typical, twin_bar, alike, crowd,
        heard, pay_voice, pay_echo, pay_echo_sum, others_norm, agreed,
        new_voice, new_echo, new_echo_sum, new_others_norm, new_sum,
        earned, newness, judged, newness_median, ratio, gate,
        earned_bar, claim, had, worth, points, points_sum, pay, paid, received,
    )
}  # fmt: skip
