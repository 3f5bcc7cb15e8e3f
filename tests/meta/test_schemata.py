"""All mutants in one program: where a change may be chosen at run time, and what the chosen text is."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

import pytest
from sources import ROOT

TEXT = """pragma solidity ^0.8.30;
function f(uint256 a) pure returns (uint256) {
    if (a < 3) a = 1; // small
    uint256 b = a + 2;
    return b;
}
"""


@pytest.fixture(scope="module")
def schemata() -> ModuleType:
    """A program of tools/, which is no package."""
    spec = importlib.util.spec_from_file_location("schemata", ROOT / "tools" / "schemata.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["schemata"] = module
    spec.loader.exec_module(module)
    return module


def node(kind: str, text: str, **fields: Any) -> dict[str, Any]:
    """A node of the syntax tree over the first place where the text stands."""
    return {"nodeType": kind, "src": f"{TEXT.index(text)}:{len(text)}:0", **fields}


def tree() -> dict[str, Any]:
    """What the compiler says of TEXT; as there, statements end before their semicolon."""
    branch = node(
        "IfStatement",
        "if (a < 3) a = 1",
        condition=node("BinaryOperation", "a < 3"),
        trueBody=node("ExpressionStatement", "a = 1"),
    )
    declaration = node(
        "VariableDeclarationStatement",
        "uint256 b = a + 2",
        declarations=[node("VariableDeclaration", "uint256 b", name="b")],
        initialValue=node("BinaryOperation", "a + 2"),
    )
    back = node("Return", "return b")
    body = node("Block", TEXT[TEXT.index("{") : TEXT.rindex("}") + 1], statements=[branch, declaration, back])
    return node("SourceUnit", TEXT, nodes=[node("FunctionDefinition", TEXT, body=body)])


def woven(schemata: ModuleType, *lines: tuple[int, str]) -> tuple[str, list[int]]:
    """TEXT with a mutant for each (line, what it becomes), and the numbers of those that have a place."""
    changes = [
        schemata.change_of(number, "src/f.sol", TEXT.encode(), line, after)
        for number, (line, after) in enumerate(lines, 1)
    ]
    made, numbers = schemata.woven({"src/f.sol": TEXT}, {"src/f.sol": tree()}, changes)
    assert 'import {chosen} from "./chosen.sol";' in made["src/f.sol"]
    return made["src/f.sol"], numbers


def test_woven_a_condition__is_chosen_inside_of_its_statement(schemata: ModuleType) -> None:
    text, numbers = woven(schemata, (3, "    if (a <= 3) a = 1;"), (3, ""))

    assert numbers == [1, 2]
    inner = "if ((chosen() == 1 ? (/*@1*/ a <= 3 /*@*/) : (a < 3))) a = 1;"
    assert f"{{ if (chosen() == 2) {{ /*@2*/  /*@*/ }} else {{ {inner} }} }} // small" in text


def test_woven_a_declaration__stays_in_scope(schemata: ModuleType) -> None:
    text, numbers = woven(schemata, (4, "    uint256 b = a - 2;"))

    assert numbers == [1]
    assert "uint256 b; if (chosen() == 1) { b = /*@1*/ a - 2 /*@*/; } else { b = a + 2; }" in text


def test_woven_a_head__has_no_place(schemata: ModuleType) -> None:
    text, numbers = woven(schemata, (2, "function f(uint256 a) view returns (uint256) {"))

    assert numbers == []
    assert "chosen()" not in text


def test_refused_an_error_inside__names_the_mutant(schemata: ModuleType) -> None:
    text, _ = woven(schemata, (4, "    uint256 b = a - 2;"), (5, "    return a;"))
    error = {
        "type": "TypeError",
        "message": "no",
        "sourceLocation": {"file": "src/f.sol", "start": text.index("return a")},
    }

    assert schemata.refused({"src/f.sol": text}, [error]) == {2}


def test_refused_an_error_outside__stops(schemata: ModuleType) -> None:
    text, _ = woven(schemata, (5, "    return a;"))
    error = {
        "type": "TypeError",
        "message": "no",
        "formattedMessage": "no",
        "sourceLocation": {"file": "src/f.sol", "start": 3},
    }

    with pytest.raises(SystemExit, match="an error outside of mutants: no"):
        schemata.refused({"src/f.sol": text}, [error])


def test_with_number__replaces_every_mark(schemata: ModuleType) -> None:
    code = "0x60" + schemata.MARK + "61" + schemata.MARK

    assert schemata.with_number(code, 17) == "0x60" + f"{17:064x}" + "61" + f"{17:064x}"
    assert len(schemata.MARK) == 64
