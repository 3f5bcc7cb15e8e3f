"""Words for people, read from the numbers of a round."""

from __future__ import annotations

from aggregator.fixed import O
from aggregator.pay import energy
from aggregator.rule import STRIKES, UNRELIABLE
from aggregator.steps import View
from market.result_document import Verdict


def verdict(view: View, seat: int) -> Verdict:
    """`malicious` costs a unit; `unreliable` costs nothing; a seat that did not seal is `absent`."""
    if not view.is_sealed[seat]:
        return "absent"
    if not view.is_included[seat]:
        return "left out"
    if view.strikes[seat] >= STRIKES:
        return "malicious"
    return "unreliable" if view.reputation[seat] < UNRELIABLE else "honest"


def reason(view: View, seat: int) -> str:
    """Why the seat earned what it earned, in one line; empty for full pay."""
    if not view.is_included[seat]:
        return ""
    if not view.norm[seat]:
        return "zero update"
    if view.strikes[seat]:
        return f"pulled against the others in {view.strikes[seat]} rounds in a row"
    if energy(view, seat) < O // 2:
        return "mostly explained by public files"
    if view.earned[seat] <= 0:
        return "does not agree with the others"
    if view.gate[seat] < O // 2:
        return "agrees with the others only in what was public before"
    return ""
