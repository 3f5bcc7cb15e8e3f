"""Every error code is documented, every documented code exists, and exit codes are those of the program."""

from __future__ import annotations

import ast
import re

import pytest
from sources import ROOT, modules, shown, tree

from market.cli import EXIT_CODES, CommandError
from market.errors import FairtrainError, UnavailableError, VerificationError

PAGE = (ROOT / "docs" / "errors.md").read_text()
CODE = re.compile(r"E[1-9][0-9]{2}")


def documented() -> dict[str, int]:
    """Exit code by error code, from the tables."""
    rows = re.findall(r"^\| (E[0-9]{3}) \| [^|]+ \| [^|]+ \| ([0-9]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a code stands in two rows"
    return {code: int(exit_code) for code, exit_code in rows}


def raised() -> dict[str, set[str]]:
    """Where each code stands as a whole string in the code."""
    found: dict[str, set[str]] = {}
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.setdefault(node.value, set()).add(f"{shown(path)}:{node.lineno}")
    return found


def classes(base: type[FairtrainError] = FairtrainError) -> dict[str, type[FairtrainError]]:
    """The error tree by name."""
    found = {base.__name__: base}
    for child in base.__subclasses__():
        found |= classes(child)
    return found


def test_codes_in_the_code__are_documented() -> None:
    assert not {code: places for code, places in raised().items() if code not in documented()}


def test_codes_on_the_page__are_in_the_code() -> None:
    assert not documented().keys() - raised().keys()


def test_rows_on_the_page__are_all_complete() -> None:
    begun = re.findall(r"^\| (E[0-9]{3}) ", PAGE, re.MULTILINE)

    assert sorted(begun) == sorted(documented())


def test_exit_codes_of_raised_classes__are_those_on_the_page() -> None:
    known, wrong = classes(), []
    for path in modules():
        for node in ast.walk(tree(path)):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            name, code = ast.unparse(node.func).rpartition(".")[2], node.args[0].value
            if (
                name in known
                and CODE.fullmatch(str(code))
                and documented().get(code) != known[name].exit_code
            ):
                wrong.append(f"{shown(path)}:{node.lineno} {name} {code}")

    assert not wrong


def test_exit_code_table__equals_the_programs() -> None:
    rows = re.findall(r"^\| ([0-9]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)

    assert {int(code): text for code, text in rows} == EXIT_CODES


def test_exit_codes_of_the_error_tree__are_all_listed() -> None:
    assert {error.exit_code for error in classes().values()} <= EXIT_CODES.keys()


@pytest.mark.parametrize(
    ("error", "text", "code"),
    [
        (
            UnavailableError(["a: down", "b: not here"]),
            "E143 not available from 2 of 2 sources (a: down, b: not here)",
            3,
        ),
        (VerificationError("round 1: paid", 2, 1), "E301 round 1: paid: posted 2, computed 1", 7),
        (CommandError("E105", "gone"), "E105 gone", 8),
    ],
)
def test_errors__are_one_line_with_code_and_exit_code(error: FairtrainError, text: str, code: int) -> None:
    assert (str(error), error.exit_code) == (text, code)
