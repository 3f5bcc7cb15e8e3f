"""The report of a demonstration: schema version 1, amounts of money as decimal strings of wei.

Documented in `docs/report.md`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RoundReport(_Part):
    """One round. `reference`: the owner's, with `--reference`. `gas`: of the dearest transaction of each kind.

    `seconds`: by phase.
    """

    round: int
    accuracy: float
    sealed: int
    revealed: int
    included: int
    reference: Literal["counted", "left out", "absent"] | None = None
    gas: dict[str, int]
    seconds: dict[str, float]


class TrainerReport(_Part):
    """One trainer. `verdicts` by round; `paid_wei` is pay alone, `stake_wei` what came back of the stake."""

    seat: int
    address: str
    kind: str
    paid_wei: str
    stake_wei: str
    penalty_wei: str
    reputation: int
    verdicts: list[str]


class ProjectReport(_Part):
    """Where the money of the pots went: funded + forfeited + slashed = paid + fees + refunded + dust.

    `forfeited_wei`: units of missed reveals, which join pots (0 when every reveal came). `slashed_wei`: what pots
    and escrow got of a liar's bond. `dust_wei`: what stays in the claim bucket; `refunded_wei`: what became the
    owner's credit.
    """

    funded_wei: str
    forfeited_wei: str
    slashed_wei: str = "0"
    paid_wei: str
    fees_wei: str
    refunded_wei: str
    dust_wei: str

    def balances(self) -> bool:
        """Whether the equation holds to the wei."""
        parts = (self.paid_wei, self.fees_wei, self.refunded_wei, self.dust_wei)
        gained = (self.funded_wei, self.forfeited_wei, self.slashed_wei)
        return sum(map(int, gained)) == sum(map(int, parts))


class LiarReport(_Part):
    """What became of one lie (`--liar`). `check`, `place`: what was refuted; empty where the liar was convicted for
    an ask without an answer. `gas`: of the convicting transaction. `seconds`: from the lie to the conviction."""

    kind: str
    round: int
    poster: str
    convicted: bool
    check: str
    place: list[int]
    asks: int
    bond_lost_wei: str
    to_watcher_wei: str
    gas: int
    seconds: int
    repaired_by: str


class Report(_Part):
    """Everything a demonstration measured."""

    version: Literal[1] = 1
    seed: int
    node: str
    store: str
    rounds: list[RoundReport]
    trainers: list[TrainerReport]
    project: ProjectReport
    model_cid: str
    final_accuracy: float
    claim_gas: int
    seconds: float
    liars: list[LiarReport] = []

    def save(self, path: Path) -> None:
        """Writes the report as JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n")
