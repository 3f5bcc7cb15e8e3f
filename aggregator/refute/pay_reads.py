"""What a check of a step of pay reads after the posted entry, in the order of `contracts/src/checks/pay`.

One function for each step of `aggregator.pay`, of the same name; it appends to the evidence the inputs of the
entry of seat `i` (and `j`). Where inputs decide what else is read, they are taken from the honest view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aggregator.pay import is_judged
from aggregator.refute.evidence import Evidence
from aggregator.rule import MIN_SEATS
from aggregator.steps import View

Reads = Callable[[Evidence, View, int, int], None]
"""(evidence, honest view, i, j); j is 0 for vectors, both are 0 for scalars."""


def residual_norm(e: Evidence, v: View, i: int, j: int) -> None:
    """The diagonal of the residuals' inner products."""
    e.entry("residual_gram", i, i)


def live(e: Evidence, v: View, i: int, j: int) -> None:
    """Norm, median norm and residual norm."""
    e.at("norm", i)
    e.scalar("norm_median")
    e.at("residual_norm", i)


def age(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before, and whether this round counts."""
    _counted_sum(e, v, "age", i)


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


def pay_voice(e: Evidence, v: View, i: int, j: int) -> None:
    """Clipping and crowd, then rounds before and, if there were some, the sum of agreement before."""
    e.at("clipping", i)
    e.at("crowd", i)
    e.before("age", i)
    if v.before_age[i]:
        e.before("agreed_sum", i)


def pay_echo(e: Evidence, v: View, i: int, j: int) -> None:
    """Inner products with all seats, and their weights."""
    e.gram_row(i)
    e.vector("pay_voice")


def others_norm(e: Evidence, v: View, i: int, j: int) -> None:
    """Weights and echoes of all, and the squared length."""
    e.vector("pay_voice")
    e.vector("pay_echo")
    e.gram(i, i)


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


def new_others_norm(e: Evidence, v: View, i: int, j: int) -> None:
    """Weights and echoes of all, and the squared length, of residuals."""
    e.vector("new_voice")
    e.vector("new_echo")
    e.entry("residual_gram", i, i)


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


def earned(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before, agreement and, where there are public rows and enough seats, median and share of the rest."""
    e.before("earned", i)
    if not v.is_included[i]:
        return
    e.at("agreed", i)
    if v.n < MIN_SEATS:
        return
    e.scalar("has_public")
    if not v.has_public:
        return
    e.scalar("residual_share_median")
    if v.residual_share_median:
        e.at("residual_share", i)


def agreed_sum(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before and, if this round counts, agreement."""
    _counted_sum(e, v, "agreed_sum", i)
    if v.is_included[i] and v.has_public:
        e.at("agreed", i)


def newness(e: Evidence, v: View, i: int, j: int) -> None:
    """Sums with all others, then the last term cut off at either end: hints that spare the contract sorting."""
    e.row("new_sum", i)
    terms, cut = sorted(v.new_sum[i, k] for k in v.others(i)), 3 * v.n // 20
    if cut:
        e.raw(b"".join(int(term).to_bytes(8, "big", signed=True) for term in (terms[cut - 1], terms[-cut])))


def doubt(e: Evidence, v: View, i: int, j: int) -> None:
    """Sums with all others."""
    e.row("new_sum", i)


def doubt_median(e: Evidence, v: View, i: int, j: int) -> None:
    """Doubts of all."""
    e.vector("doubt")


def ratio(e: Evidence, v: View, i: int, j: int) -> None:
    """New agreement and what of it may be chance, agreement and rounds."""
    _new_agreement(e, i)
    e.at("agreed_sum", i)
    e.at("age", i)


def earned_median(e: Evidence, v: View, i: int, j: int) -> None:
    """Agreement and rounds of all, and what they earned."""
    e.vector("agreed_sum")
    e.vector("age")
    e.vector("earned")


def ratio_weight(e: Evidence, v: View, i: int, j: int) -> None:
    """Agreement and rounds; if they are judged, what it earned, the median and the crowd."""
    e.at("agreed_sum", i)
    e.at("age", i)
    if is_judged(v, i):
        e.at("earned", i)
        e.scalar("earned_median")
        e.at("crowd", i)


def ratio_bar(e: Evidence, v: View, i: int, j: int) -> None:
    """Ratios and weights of all."""
    e.vector("ratio")
    e.vector("ratio_weight")


def gate(e: Evidence, v: View, i: int, j: int) -> None:
    """Rounds, agreement, the bar and what is new, until the gate is decided."""
    if v.n < MIN_SEATS:
        return
    e.at("age", i)
    if not v.age[i]:
        return
    e.at("agreed_sum", i)
    if not is_judged(v, i):
        return
    e.scalar("ratio_bar")
    if v.ratio_bar > 0:
        _new_agreement(e, i)


def claim(e: Evidence, v: View, i: int, j: int) -> None:
    """What it earned, the gate and the crowd."""
    e.at("earned", i)
    e.at("gate", i)
    e.at("crowd", i)


def had(e: Evidence, v: View, i: int, j: int) -> None:
    """The sum before."""
    e.before("received", i)


def worth(e: Evidence, v: View, i: int, j: int) -> None:
    """Claims of all and, if there are some, what all had."""
    e.vector("claim")
    if any(v.claim):
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
    """The sum before, the sum of points, then own points if anybody has some."""
    e.before("received", i)
    if v.is_included[i]:
        pay(e, v, i, j)


def _counted_sum(e: Evidence, v: View, name: str, i: int) -> None:
    e.before(name, i)
    if v.is_included[i]:
        e.scalar("has_public")


def _new_agreement(e: Evidence, i: int) -> None:
    e.at("newness", i)
    e.at("doubt", i)
    e.scalar("doubt_median")


READS: Final[dict[str, Reads]] = {
    reads.__name__: reads
    for reads in (
        residual_norm, live,
        age, twin, twin_mean, twin_typical, twin_bar, alike, crowd,
        pay_voice, pay_echo, others_norm, agreed,
        new_voice, new_echo, new_others_norm, new_sum,
        residual_share, residual_share_median,
        earned, agreed_sum, newness, doubt, doubt_median, ratio, earned_median, ratio_weight, ratio_bar,
        gate, claim, had, worth, points, points_sum, pay, paid, received,
    )
}  # fmt: skip
