"""The committed report of Slither and Halmos is of the sources that are there, and the page says what it says.

Neither tool is needed for this; `make security` renews the report.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sources import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()


def load(name: str) -> ModuleType:
    """A program of tools/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load("security")


@pytest.fixture(scope="module")
def report(tool: ModuleType) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tool.REPORT.read_text())
    return found


def test_report__is_of_the_present_sources(tool: ModuleType) -> None:
    assert not tool.stale(), "the contracts have changed: run `make security`"


def test_report__has_every_check_of_the_sources(tool: ModuleType, report: dict[str, Any]) -> None:
    written = {
        name
        for path in tool.SYMBOLIC.glob("*.sol")
        for name in re.findall(r"function (check_\w+)", path.read_text())
    }

    assert {name.partition(".")[2] for name in report["halmos"]["checks"]} == written
    assert f"{len(written)} statements" in PAGE


def test_page__names_every_detector_that_is_explained(tool: ModuleType) -> None:
    assert all(detector in PAGE for detector, _, _ in tool.EXCEPTIONS)


def test_exceptions__all_have_a_reason(tool: ModuleType) -> None:
    assert all(len(reason) > 10 for _, _, reason in tool.EXCEPTIONS)


def test_exception_of_another_place__none(tool: ModuleType) -> None:
    def finding(path: str, check: str) -> dict[str, Any]:
        place = {"source_mapping": {"filename_relative": path}}
        return {"check": check, "description": "Market.withdraw(address,address) x", "elements": [place]}

    assert tool.exception(finding("src/checks/Numbers.sol", "divide-before-multiply"))
    assert not tool.exception(finding("src/Market.sol", "divide-before-multiply"))
    assert not tool.exception(finding("src/Market.sol", "reentrancy-eth"))


def test_mutants_of_the_court__change_one_line_each() -> None:
    load("environments")
    load("schemata")
    mutation, mutants = load("mutation"), load("mutants")
    found = mutation.mutants_of("src/Court.sol", mutants.CONTRACTS)

    assert len(found) > 100
    assert all(mutant.before != mutant.after for mutant in found)
    assert len({mutant.key for mutant in mutants.drawn()}) == len(mutants.drawn())
    assert not [mutant for mutant in found if mutant.before.lstrip().startswith(("//", "import", "return;"))]


def test_book_of_mutants__goes_on_where_it_stopped_and_reports_survivors(tmp_path: Path) -> None:
    mutation = load("mutation")
    every = [mutation.Mutant("src/A.sol", k, "relation", f"x < {k};", f"x <= {k};") for k in range(3)]
    book = mutation.Book(tmp_path / "state.json", tmp_path / "report.json", {"x <= 1;": "equal"})
    asked: list[int] = []

    for count in (1, 5):
        book.play(
            every,
            count,
            lambda number, _: asked.append(number) or ("killed", "survived", "left out")[number - 1],
        )
    book.report(every)

    report = json.loads((tmp_path / "report.json").read_text())
    assert asked == [1, 2, 3]
    assert (report["mutants"], report["tested"], report["killed"], report["percent"]) == (3, 2, 1, 50)
    assert [one["reason"] for one in report["survivors"]] == ["equal"]
