"""What the user of a trainer decided; apart from the node, which needs PyTorch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """What the user decided. `rounds`: seal in so many, 0 = no limit; `leave`: then give the seat back."""

    rounds: int = 0
    trust_model: bool = False
    verify_sample: bool = True
    claim_each: bool = False
    leave: bool = False
