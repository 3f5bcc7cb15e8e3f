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


def twin_age(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before, and whether this round counts."""
    _counted_sum(e, v, "twin_age", i)


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
        e.at("twin_age", i)
        e.at("twin_age", j)


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


def pay_voice(e: Evidence, v: View, i: int, j: int) -> None:
    """Clipping and crowd."""
    e.at("pay_clipping", i)
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
    if v.has_public:
        e.at("norm", i)
        e.at("new_others_norm", i)
        e.entry("alike", i, j)
        e.at("new_voice", j)
        e.entry("residual_gram", i, j)


def residual_share(e: Evidence, v: View, i: int, j: int) -> None:
    """Both lengths."""
    e.at("residual_norm", i)
    e.at("norm", i)


def residual_share_median(e: Evidence, v: View, i: int, j: int) -> None:
    """Shares of all."""
    e.vector("residual_share")


def energy(e: Evidence, v: View, i: int, j: int) -> None:
    """Share and median, where there are public rows and enough seats."""
    if v.n < MIN_SEATS:
        return
    e.scalar("has_public")
    if not v.has_public:
        return
    e.scalar("residual_share_median")
    if v.residual_share_median:
        e.at("residual_share", i)


def earned(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before, agreement and its gate."""
    e.before("earned", i)
    if v.is_included[i]:
        e.at("agreed", i)
        e.at("energy", i)


def agreed_sum(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before and, if this round counts, agreement."""
    _counted_sum(e, v, "agreed_sum", i)
    if v.is_included[i] and v.has_public:
        e.at("agreed", i)


def age(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before, and whether this round counts."""
    _counted_sum(e, v, "age", i)


def newness(e: Evidence, v: View, i: int, j: int) -> None:
    """Sums with all others, then the last term cut off at either end: hints that spare the contract sorting."""
    e.row("new_sum", i)
    terms, cut = sorted(v.new_sum[i, k] for k in v.others(i)), 3 * v.n // 20
    if cut:
        e.raw(b"".join(int(term).to_bytes(8, "big", signed=True) for term in (terms[cut - 1], terms[-cut])))


def judged(e: Evidence, v: View, i: int, j: int) -> None:
    """Sum of agreement and rounds."""
    e.at("agreed_sum", i)
    e.at("age", i)


def ratio(e: Evidence, v: View, i: int, j: int) -> None:
    """New agreement, agreement and rounds."""
    e.at("newness", i)
    e.at("agreed_sum", i)
    e.at("age", i)


def earned_median(e: Evidence, v: View, i: int, j: int) -> None:
    """Who is judged, and what all earned."""
    e.vector("judged")
    e.vector("earned")


def ratio_weight(e: Evidence, v: View, i: int, j: int) -> None:
    """Whether judged, then what it earned, the median and the crowd."""
    e.at("judged", i)
    if v.judged[i]:
        e.at("earned", i)
        e.scalar("earned_median")
        e.at("crowd", i)


def ratio_median(e: Evidence, v: View, i: int, j: int) -> None:
    """Ratios and weights of all."""
    e.vector("ratio")
    e.vector("ratio_weight")


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
    e.scalar("ratio_median")
    if v.ratio_median > 0:
        e.at("ratio", i)


def points(e: Evidence, v: View, i: int, j: int) -> None:
    """What it earned, the gate and the crowd."""
    e.at("earned", i)
    e.at("gate", i)
    e.at("crowd", i)


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


def _counted_sum(e: Evidence, v: View, name: str, i: int) -> None:
    e.before(name, i)
    if v.is_included[i]:
        e.scalar("has_public")


READS: Final[dict[str, Reads]] = {
    reads.__name__: reads
    for reads in (
        residual_norm, pay_clipping, live,
        twin_age, twin, twin_mean, twin_typical, twin_bar, alike, crowd,
        pay_voice, pay_echo, pay_echo_sum, others_norm, agreed,
        new_voice, new_echo, new_echo_sum, new_others_norm, new_sum,
        residual_share, residual_share_median, energy,
        earned, agreed_sum, age, newness, judged, ratio, earned_median, ratio_weight, ratio_median,
        gate, points, points_sum, pay, paid,
    )
}  # fmt: skip
