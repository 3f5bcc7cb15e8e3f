"""Who may import whom. A package that breaks a border is found here and not in a release."""

from __future__ import annotations

import ast
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from sources import PACKAGES, imports, modules, project, shown, tree

HOMES = {
    "torch": "trainer/",
    "sklearn": "trainer/",
    "web3": "market/chain/",
    "sqlalchemy": "market/index/",
    "ipfshttpclient": "market/store/",
    "ray": "aggregator/ray_engine.py",
}
"""A heavy library, and the only folder whose modules may import it."""

FORBIDDEN = {
    "market": {"trainer", "aggregator", "webapp", "tests"},
    "trainer": {"aggregator", "webapp", "tests"},
    "aggregator": {"trainer", "webapp", "tests"},
    "webapp": {"trainer", "aggregator", "tests"},
}

PURE = (
    "market/spec/",
    "aggregator/rule.py",
    "aggregator/rules/",
    "aggregator/novelty.py",
    "aggregator/pay/",
    "aggregator/decide.py",
)
"""Numbers that everybody must get alike: no clock, no chance, no file, no network in them."""
IMPURE = {"time", "datetime", "random", "secrets", "os", "pathlib", "socket", "subprocess", "urllib", "http"}


def top(name: str) -> str:
    return name.partition(".")[0]


def all_imports(*packages: str) -> list[tuple[Path, str, int]]:
    return [(path, name, line) for path in modules(*packages) for name, line in imports(path)]


@pytest.mark.parametrize("library", HOMES)
def test_imports_of_a_heavy_library__only_in_its_home(library: str) -> None:
    strays = [
        f"{shown(path)}:{line}"
        for path, name, line in all_imports()
        if top(name) == library and not shown(path).startswith(HOMES[library])
    ]

    assert not strays


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_between_packages__only_towards_market(package: str) -> None:
    strays = [
        f"{shown(path)}:{line} imports {name}"
        for path, name, line in all_imports(package)
        if top(name) in FORBIDDEN[package]
    ]

    assert not strays


def test_imports_of_pure_modules__no_clock_no_chance_no_files() -> None:
    strays = [
        f"{shown(path)}:{line} imports {name}"
        for path, name, line in all_imports("market", "aggregator")
        if shown(path).startswith(PURE) and top(name) in IMPURE
    ]

    assert not strays


def test_imports_of_cli_modules__nobody_below_imports_them() -> None:
    """Commands stand on top: protocol modules never reach up to them."""
    below = [
        path
        for path in modules("market")
        if not shown(path).startswith(("market/cli/", "market/demo/", "market/index/cli.py"))
    ]
    strays = [
        f"{shown(path)}:{line}"
        for path in below
        for name, line in imports(path)
        if name.startswith(("market.cli", "market.demo"))
    ]

    assert not strays


def test_calls__nothing_is_imported_by_name_at_run_time() -> None:
    """What packages need from others, they find by entry point; nothing else is loaded dynamically."""
    strays = []
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.endswith("import_module") or called in (
                    "__import__",
                    "eval",
                    "exec",
                    "pickle.loads",
                ):
                    strays.append(f"{shown(path)}:{node.lineno} {called}")

    assert not strays


def declared() -> dict[str, dict[str, str]]:
    return {**project()["project"]["entry-points"], "console_scripts": project()["project"]["scripts"]}


def constants(path: Path) -> dict[str, str]:
    """NAME = "text" of a module."""
    found = {}
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                found[ast.unparse(target)] = str(node.value.value)
    return found


def test_entry_points_asked_for__are_declared_groups() -> None:
    asked = set()
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("entry_points"):
                for keyword in node.keywords:
                    text = ast.unparse(keyword.value)
                    value = keyword.value
                    name = (
                        str(value.value)
                        if isinstance(value, ast.Constant)
                        else constants(path).get(text, text)
                    )
                    asked.add(name)

    groups = {name for name in asked if name.startswith("fairtrain.")}
    assert groups
    assert groups <= declared().keys()


@pytest.mark.parametrize(
    ("group", "name", "target"),
    [(group, name, target) for group, entries in declared().items() for name, target in entries.items()],
)
def test_entry_points_declared__exist(group: str, name: str, target: str) -> None:
    assert callable(EntryPoint(name, target, group).load())
    assert target.partition(".")[0].partition(":")[0] in PACKAGES
