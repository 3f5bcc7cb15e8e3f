"""Every public name says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import modules, shown, tree

Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def is_overload(node: ast.stmt) -> bool:
    return any(
        ast.unparse(mark) in ("overload", "typing.overload") for mark in getattr(node, "decorator_list", [])
    )


def is_protocol(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef) and any(
        ast.unparse(base).startswith("Protocol") for base in node.bases
    )


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Named]]:
    """Functions, classes and methods that others may use. Steps of a protocol need no words of their own: their
    meaning is that of the class which implements it."""
    for node in body:
        if not isinstance(node, Named) or node.name.startswith("_") or is_overload(node):
            continue
        yield prefix + node.name, node
        if isinstance(node, ast.ClassDef) and not is_protocol(node):
            yield from public(node.body, f"{prefix}{node.name}.")


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_module__public_names_have_docstrings(path: Path) -> None:
    bare = [f"{node.lineno} {name}" for name, node in public(tree(path).body) if not ast.get_docstring(node)]

    assert not bare


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_module__says_what_it_is_for(path: Path) -> None:
    empty = not tree(path).body

    assert empty or ast.get_docstring(tree(path))


def test_public_functions__are_typed_to_the_last_argument() -> None:
    """mypy's strict mode says the same; this names the place without running it."""
    bare = []
    for path in modules():
        for name, node in public(tree(path).body):
            if isinstance(node, ast.ClassDef):
                continue
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            untyped = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
            if untyped or node.returns is None:
                bare.append(f"{shown(path)}:{node.lineno} {name} {untyped}")

    assert not bare
