"""Named rules by name and version."""

from __future__ import annotations

from typing import Final

from aggregator.rules.agreement import Agreement
from aggregator.rules.centres import CentredClipping, GeometricMedian
from aggregator.rules.flag import Flag
from aggregator.rules.foolsgold import FoolsGold
from aggregator.rules.form import Judge
from aggregator.rules.krum import Krum, MultiKrum
from aggregator.rules.means import ClippedMean, Mean
from aggregator.rules.metrics import MultiMetrics
from aggregator.rules.mixing import MixedMean, MixedMedian, NearestToReference
from aggregator.rules.mudhog import Histories
from aggregator.rules.reputation import CosineShapley, Reputation
from aggregator.rules.trust import Trust
from market.errors import InputError

DEFAULT: Final = "agreement"

_RULES: Final[tuple[Judge, ...]] = (
    Agreement(), Mean(), ClippedMean(), Krum(), MultiKrum(), MixedMean(), MixedMedian(), NearestToReference(),
    GeometricMedian(), CentredClipping(), Trust(), Reputation(), CosineShapley(), Histories(), FoolsGold(),
    MultiMetrics(), Flag(),
)  # fmt: skip


def names() -> list[str]:
    """Names of all rules, the default first."""
    return [rule.name for rule in _RULES]


def named(name: str, version: int = 1) -> Judge:
    """The rule of this name. Raises InputError E192 if there is none of this version."""
    for rule in _RULES:
        if (rule.name, rule.version) == (name, version):
            return rule
    known = ", ".join(f"{rule.name} {rule.version}" for rule in _RULES)
    raise InputError("E192", f"rule: got {name!r} version {version}, expected one of: {known}")
