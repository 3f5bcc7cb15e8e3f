"""Every leaf of `contracts/test/trees` has a Foundry test of that name, and every such test has a leaf.

A tree names a function, under it conditions, under each what it does:

    seal
    ├── zero
    │   └── it refuses MarketBadSeal

which is `test_seal_zero__refusesMarketBadSeal` (or `testFuzz_…`): words joined, case aside.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
TREES = sorted((CONTRACTS / "test" / "trees").glob("*.tree"))
WHOLE_LIVES = {"flow", "gas", "size"}
"""Tests of no single function."""

TEST = re.compile(r"function test(?:Fuzz)?_(\w+?)_(\w+?)__(\w+)\(")
FUNCTION = re.compile(r"^    function (\w+)\(", re.MULTILINE)


def _joined(text: str) -> str:
    """Letters and digits of a phrase, in lower case."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _leaves(tree: Path) -> list[tuple[str, str]]:
    """(condition, outcome) of each leaf."""
    leaves, condition = [], ""
    for line in tree.read_text().splitlines()[1:]:
        text = line.lstrip("│├└─ ")
        if text.startswith("it "):
            leaves.append((_joined(condition), _joined(text.removeprefix("it "))))
        else:
            condition = text
    return leaves


def _tests() -> dict[str, list[tuple[str, str]]]:
    """By function, (condition, outcome) of each Foundry test."""
    found: dict[str, list[tuple[str, str]]] = {}
    for file in sorted((CONTRACTS / "test").glob("*.t.sol")):
        for function, condition, outcome in TEST.findall(file.read_text()):
            if function not in WHOLE_LIVES:
                found.setdefault(function, []).append((_joined(condition), _joined(outcome)))
    return found


def _changing_functions() -> set[str]:
    """Functions of the interface that change state."""
    text = (CONTRACTS / "src" / "interfaces" / "IMarket.sol").read_text()
    return {
        found.group(1)
        for found in FUNCTION.finditer(text)
        if " view " not in text[found.start() : text.index(";", found.start())]
    }


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.stem)
def test_tree_each_leaf__has_its_test(tree: Path) -> None:
    assert tree.read_text().splitlines()[0] == tree.stem

    assert sorted(_leaves(tree)) == sorted(_tests().get(tree.stem, []))


def test_trees_every_changing_function__has_one() -> None:
    functions = _changing_functions()

    assert len(functions) > 20
    assert functions - {tree.stem for tree in TREES} == set()
    assert set(_tests()) - {tree.stem for tree in TREES} == set()


def test_trees_refusals__are_at_least_a_third() -> None:
    outcomes = [outcome for leaves in _tests().values() for _, outcome in leaves]
    refusals = [outcome for outcome in outcomes if outcome.startswith("refuses")]

    assert 3 * len(refusals) >= len(outcomes)


def test_errors_every_one__is_expected_by_a_test() -> None:
    declared = set(re.findall(r"error (Market\w+)\(", (CONTRACTS / "src/interfaces/IMarket.sol").read_text()))
    tests = "".join(file.read_text() for file in sorted((CONTRACTS / "test").rglob("*.sol")))

    assert declared - set(re.findall(r"(Market\w+)\.selector", tests)) == set()
