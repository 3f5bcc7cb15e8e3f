"""Mirrors of the checks' enums, lengths and prices of answers."""

from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path

import pytest

from market.refutation import Check, Tree, answer_size, ask_price

ICHECKS = Path(__file__).resolve().parents[2] / "contracts" / "src" / "checks" / "IChecks.sol"


@pytest.mark.parametrize("mirror", [Check, Tree])
def test_ordinals__are_those_of_the_contract(mirror: type[IntEnum]) -> None:
    body = re.search(rf"enum {mirror.__name__} {{(.*?)}}", ICHECKS.read_text(), re.DOTALL)
    assert body
    names = re.findall(r"^\s*(\w+),?\s*(?://.*)?$", body[1], re.MULTILINE)

    assert [member.name for member in mirror] == names


@pytest.mark.parametrize(
    ("tree", "level", "depth", "leaf_size", "expected"),
    [
        (Tree.Delta, 0, 10, 2048, 2048 + 320),
        (Tree.Sketches, 0, 12, 1044, 1024 + 384),
        (Tree.Accounts, 0, 1, 40, 40 + 32),
        (Tree.Delta, 1, 10, 2048, 64 + 288),
        (Tree.Delta, 7, 10, 2048, 128 * 32 + 96),
        (Tree.Delta, 8, 10, 2048, 256 * 32 + 64),
        (Tree.Delta, 9, 10, 2048, 256 * 32 + 32),
        (Tree.Delta, 10, 10, 2048, 256 * 32),
    ],
)
def test_answer_size__leaf_or_nodes_then_siblings(
    tree: Tree, level: int, depth: int, leaf_size: int, expected: int
) -> None:
    assert answer_size(tree, level, depth, leaf_size) == expected


@pytest.mark.parametrize(
    ("base_fee", "floor", "open_asks", "expected"),
    [
        (0, 10, 0, (1_000, 0)),
        (1, 59, 0, (6_000, 0)),
        (1, 60, 0, (6_000, 0)),
        (1, 61, 0, (6_100, 0)),
        (0, 10, 1, (1_000, 15)),
        (0, 10, 64, (1_000, 1_000)),
        (0, 10, 6_400, (1_000, 100_000)),
        (0, 0, 9, (0, 0)),
    ],
)
def test_ask_price__floor_crowd_and_rounding(
    base_fee: int, floor: int, open_asks: int, expected: tuple[int, int]
) -> None:
    assert ask_price(100, base_fee, floor, open_asks) == expected
