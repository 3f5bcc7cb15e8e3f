"""Pay: agreement with the others, gated on how much of it goes beyond what was public before the round.

Steps of version 1, after those of `aggregator.rule` and `aggregator.novelty` (O = 2^16 is one). Claims are made
of sums over rounds that lose a sixteenth each round, so a newcomer catches up and an idler fades; a round pays
what is missing between a seat's part of all claims and what it has received, so that early luck evens out.
Near-duplicates count once; the largest and smallest pair terms are trimmed. Agreement is the cosine of an
update with the weighted sum of the others; new agreement is the same between residuals.
"""

from __future__ import annotations

from typing import Final

from aggregator.pay import agreement, shares, twins
from aggregator.pay.shares import energy, is_judged
from aggregator.steps import Step

STEPS: Final[list[Step]] = twins.STEPS + agreement.STEPS + shares.STEPS

__all__ = ["STEPS", "energy", "is_judged"]
