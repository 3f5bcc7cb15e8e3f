"""FLTrust: weights from the reference, an update that the owner makes on data of its own."""

from __future__ import annotations

from aggregator.rules.form import Rows, Rule, State, Verdict, verdict
from aggregator.rules.numbers import cosines, lengths, shares, shortened


class Trust(Rule):
    """Weight = cosine with the reference where it is positive; updates as long as the reference at most."""

    name = "fltrust"
    paper = "Cao et al. 2021, FLTrust: Byzantine-robust federated learning via trust bootstrapping"
    uses_reference = True

    def judge(self, rows: Rows, state: State) -> Verdict:
        """No state: each round is judged by the reference alone."""
        end = rows.reference
        trust = cosines(rows.gram[: end + 1, : end + 1])[end, :end]
        size = lengths(rows.gram.diagonal()[: end + 1])
        return verdict(shares(trust), shortened(size[:end], int(size[end])))
