"""Modules that one can read at a sitting, functions that fit a screen, contracts that can be audited."""

from __future__ import annotations

import ast
from statistics import median

from sources import ROOT, modules, shown, tracked, tree

MODULE_LINES, FUNCTION_LINES, TYPICAL_FUNCTION, CONTRACT_LINES = 400, 50, 12, 650


def lines(text: str) -> int:
    return len(text.splitlines())


def functions() -> list[tuple[str, int]]:
    return [
        (f"{shown(path)}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def test_modules__at_most_400_lines() -> None:
    long = {shown(path): size for path in modules() if (size := lines(path.read_text())) > MODULE_LINES}

    assert not long


def test_test_modules__at_most_500_lines() -> None:
    tests = [path for path in tracked() if shown(path).startswith("tests/") and path.suffix == ".py"]

    assert not {shown(path): size for path in tests if (size := lines(path.read_text())) > 500}


def test_functions__fit_a_screen() -> None:
    assert not [(name, size) for name, size in functions() if size > FUNCTION_LINES]


def test_functions__are_short_as_a_rule() -> None:
    assert median(size for _, size in functions()) <= TYPICAL_FUNCTION


def test_contracts__at_most_650_lines() -> None:
    sources = (ROOT / "contracts" / "src").rglob("*.sol")

    assert not {shown(path): size for path in sources if (size := lines(path.read_text())) > CONTRACT_LINES}
