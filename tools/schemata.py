"""All mutants in one program, which is compiled once: a number in its bytecode says which of them it is.

Every statement, condition or declaration that some mutant changes becomes a choice between what it is and what each
mutant makes of it (`if (chosen() == 17) { changed } else { original }`). `chosen` gives a constant that nothing folds
(the optimiser's steps that would are off), so that `with_number` exchanges it in the compiled bytes. Places come from
the compiler's syntax tree; a mutant that no statement of a body holds (a constant, a function's head), or that the
compiler refuses, is left to be compiled by itself. After Untch, Offutt, Harrold, "Mutation analysis using mutant
schemata" (1993). Standard library only.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

MARK: Final = "c0de5eed" * 8
"""What stands in the bytecode for the number of the mutant, in hexadecimal."""
CHOSEN: Final = "src/chosen.sol"
SOURCE: Final = f"""// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

function chosen() pure returns (uint256) {{
    return 0x{MARK};
}}
"""
OPTIMIZER: Final = {
    "enabled": True,
    "details": {
        "yul": True,
        "yulDetails": {"stackAllocation": True, "optimizerSteps": "u"},
        "cse": False,
        "constantOptimizer": False,
        "inliner": False,
        "deduplicate": False,
    },
}
DECLARATION: Final = "VariableDeclarationStatement"
Solc = Callable[[dict[str, str], dict[str, Any]], dict[str, Any]]
"""Sources by name and an output selection to the compiler's answer."""


@dataclass(frozen=True)
class Change:
    """Mutant `number`: bytes `start` to `end` of `file` become `text`."""

    number: int
    file: str
    start: int
    end: int
    text: bytes


@dataclass
class Place:
    """A node of the syntax tree, bytes `start` to `end`, and what mutants make of it."""

    kind: str
    start: int
    end: int
    node: dict[str, Any]
    changes: list[Change] = field(default_factory=list)


def change_of(number: int, file: str, text: bytes, line: int, after: str) -> Change:
    """The bytes that differ when line `line` (from 1) becomes `after`; comments at its end are left alone."""
    lines = text.splitlines(keepends=True)
    begin = sum(map(len, lines[: line - 1]))
    old = lines[line - 1].partition(b"//")[0].rstrip()
    new = after.encode().rstrip() or old[: len(old) - len(old.lstrip())]
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - head) if old[-1 - i] != new[-1 - i]), shorter - head)
    return Change(number, file, begin + head, begin + len(old) - tail, new[head : len(new) - tail])


def span(node: dict[str, Any]) -> tuple[int, int]:
    """Bytes of a node."""
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def places(tree: dict[str, Any], text: bytes) -> Iterator[Place]:
    """Statements and conditions of all bodies of a file."""
    for node in walk(tree):
        kind = node["nodeType"]
        if kind in ("IfStatement", "ForStatement", "WhileStatement") and node.get("condition"):
            yield Place("condition", *span(node["condition"]), node["condition"])
        inside = node.get("statements", []) if kind in ("Block", "UncheckedBlock") else []
        bodies = [
            node[name] for name in ("trueBody", "falseBody", "body") if isinstance(node.get(name), dict)
        ]
        for child in inside + [body for body in bodies if not body["nodeType"].endswith("Block")]:
            start, end = span(child)
            if semicolon := re.compile(rb"\s*;").match(text, end):
                end = semicolon.end()
            if child["nodeType"] == DECLARATION:
                if child.get("initialValue"):
                    yield Place("declaration", start, end, child)
            elif child["nodeType"] != "PlaceholderStatement":
                yield Place("statement", start, end, child)


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """A node and everything below."""
    if isinstance(node, list):
        for child in node:
            yield from walk(child)
    elif isinstance(node, dict) and "nodeType" in node:
        yield node
        for child in node.values():
            yield from walk(child)


def holds(place: Place, change: Change) -> bool:
    """Whether the place can choose this change."""
    start, end = span(place.node["initialValue"]) if place.kind == "declaration" else (place.start, place.end)
    return start <= change.start and change.end <= end


def applied(text: bytes, start: int, end: int, change: Change) -> bytes:
    """Bytes `start` to `end` of the text with a change inside them."""
    return text[start : change.start] + change.text + text[change.end : end]


def tagged(change: Change, text: bytes) -> bytes:
    """What a mutant makes of a place, between marks by which an error of the compiler is found."""
    return b"/*@%d*/ %b /*@*/" % (change.number, text)


def choice(text: bytes, place: Place, inner: bytes) -> bytes:
    """A place as the choice among its changes and `inner`, what it is without them."""
    if place.kind == "condition":
        options = [
            b"chosen() == %d ? (%b) : "
            % (change.number, tagged(change, applied(text, place.start, place.end, change)))
            for change in place.changes
        ]
        return b"(" + b"".join(options) + b"(" + inner + b"))"
    if place.kind == "statement":
        options = [
            b"if (chosen() == %d) { %b } else "
            % (change.number, tagged(change, applied(text, place.start, place.end, change)))
            for change in place.changes
        ]
        return b"{ " + b"".join(options) + b"{ " + inner + b" } }"
    declarations = [d and (text[slice(*span(d))], d["name"].encode()) for d in place.node["declarations"]]
    names = b", ".join(d[1] if d else b"" for d in declarations)
    target = b"(" + names + b")" if len(declarations) > 1 else names
    start, end = span(place.node["initialValue"])
    options = [
        b"if (chosen() == %d) { %b = %b; } else "
        % (change.number, target, tagged(change, applied(text, start, end, change)))
        for change in place.changes
    ]
    heads = b"".join(d[0] + b"; " for d in declarations if d)
    return heads + b"".join(options) + b"{ " + target + b" = " + text[start:end] + b"; }"


def rendered(text: bytes, start: int, end: int, inside: list[Place]) -> bytes:
    """Bytes `start` to `end` with the places among them, outer ones first, made choices."""
    out, at = b"", start
    while inside:
        place = inside[0]
        within = [other for other in inside[1:] if other.end <= place.end]
        inside = inside[1 + len(within) :]
        inner = b"" if place.kind == "declaration" else rendered(text, place.start, place.end, within)
        out += text[at : place.start] + choice(text, place, inner)
        at = place.end
    return out + text[at:end]


def woven(
    sources: dict[str, str], trees: dict[str, Any], changes: list[Change]
) -> tuple[dict[str, str], list[int]]:
    """The sources with all changes that have a place as choices, and the numbers of those changes."""
    made, numbers = {**sources, CHOSEN: SOURCE}, []
    for file in {change.file for change in changes}:
        text = sources[file].encode()
        found = sorted(places(trees[file], text), key=lambda place: (place.start, -place.end))
        for change in (change for change in changes if change.file == file):
            holding = [place for place in found if holds(place, change)]
            if holding:
                min(holding, key=lambda place: place.end - place.start).changes.append(change)
                numbers.append(change.number)
        used = [place for place in found if place.changes]
        path = posixpath.relpath(CHOSEN, posixpath.dirname(file))
        path = path if path.startswith(".") else "./" + path
        head = b'import {chosen} from "%b";\n' % path.encode()
        first = re.search(rb"^pragma .*\n", text, re.MULTILINE)
        assert first is not None, file
        body = rendered(text, first.end(), len(text), used)
        made[file] = (text[: first.end()] + head + body).decode()
    return made, numbers


def refused(sources: dict[str, str], errors: list[dict[str, Any]]) -> set[int]:
    """Numbers of the mutants in which the compiler found errors."""
    found = set()
    for error in errors:
        unset = "without prior assignment" in error["message"]
        where = (error.get("secondarySourceLocations") if unset else None) or [error["sourceLocation"]]
        text, at = sources[where[0]["file"]].encode(), where[0]["start"]
        numbers = re.findall(rb"/\*@(\d*)\*/", text[:at])
        if error["type"] == "ParserError":  # found behind what it is an error of
            numbers = [digits for digits in numbers if digits]
        blamed = {int(numbers[-1])} if numbers and numbers[-1] and not unset else removals(text, at)
        if not blamed:
            raise SystemExit(f"schemata: an error outside of mutants: {error['formattedMessage']}")
        found |= blamed
    return found


def removals(text: bytes, at: int) -> set[int]:
    """Mutants that remove statements of the function whose head is at `at`: one of them leaves a variable unset."""
    body = text[at:].partition(b"\n    function ")[0]
    return {int(digits) for digits in re.findall(rb"/\*@(\d+)\*/\s*/\*@\*/", body)}


def program(sources: dict[str, str], changes: list[Change], solc: Solc) -> tuple[dict[str, str], list[int]]:
    """Sources that compile and choose among as many of the changes as the compiler accepts, and their numbers."""
    trees = {name: entry["ast"] for name, entry in solc(sources, {"*": {"": ["ast"]}})["sources"].items()}
    while True:
        made, numbers = woven(sources, trees, changes)
        answer = solc(made, {"*": {"*": ["abi"]}})
        errors = [error for error in answer.get("errors", []) if error["severity"] == "error"]
        if not errors:
            return made, numbers
        out = refused(made, errors)
        changes = [change for change in changes if change.number not in out]


def with_number(code: str, number: int) -> str:
    """Creation code, in hexadecimal, of mutant `number`; 0 is the unchanged program."""
    return code.replace(MARK, f"{number:064x}")
