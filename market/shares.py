"""Exact integer splits. The direction of every rounding is in the name."""

from __future__ import annotations

from collections.abc import Sequence

from market.units import BPS_TOTAL


def bps_down(amount: int, bps: int) -> int:
    """floor(amount * bps / 10,000)."""
    return amount * bps // BPS_TOTAL


def thirds(amount: int) -> tuple[int, int, int]:
    """(refuter, pot, escrow) of a conviction: thirds rounded down, the rest to the escrow."""
    third = amount // 3
    return third, third, amount - 2 * third


def equal_down(amount: int, count: int) -> tuple[int, int]:
    """(share, remainder) of `amount` among `count` >= 1 parts: count * share + remainder == amount."""
    return divmod(amount, count)


def shares_down(amount: int, weights: Sequence[int]) -> list[int]:
    """floor(amount * w / sum of weights) for each weight >= 0; all zero if the sum is zero.

    The shares sum to at most `amount`, and fall short of it by less than the number of positive weights.
    """
    if amount < 0 or any(weight < 0 for weight in weights):
        raise ValueError("amounts and weights must not be negative")
    total = sum(weights)
    return [amount * weight // total if total else 0 for weight in weights]


def shares_exact(amount: int, weights: Sequence[int]) -> list[int]:
    """As `shares_down`, with the remainder given to the largest fractions (ties to the lower index).

    Sums to `amount` exactly unless all weights are zero. Largest remainder method (Hamilton, 1792).
    """
    shares = shares_down(amount, weights)
    total = sum(weights)
    if not total:
        return shares
    order = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for index in order[: amount - sum(shares)]:
        shares[index] += 1
    return shares
