"""`fairtrain doctor`: what is there, what is missing, and the command that gets it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import click

from market.cli import EXIT_MISSING
from market.cli.context import App, common_options, pass_app, running_chain_id
from market.devnet import find_tool
from market.errors import FairtrainError

State = Literal["ok", "missing", "optional"]
PACKAGES = (
    "numpy",
    "numba",
    "web3",
    "eth_account",
    "click",
    "rich",
    "pydantic",
    "sqlalchemy",
    "ipfshttpclient",
)
PYTHON_MIN = (3, 11)
TORCH_TIMEOUT_S = 60
DEVICE = (
    "import torch; c = torch.cuda.is_available(); m = torch.backends.mps.is_available();"
    "print(torch.__version__, 'cuda' if c else 'mps' if m else 'cpu')"
)
"""Asked of a child process: only `trainer/` imports torch, and its import takes seconds."""


@dataclass(frozen=True)
class Finding:
    """One row. `missing` is needed by every role, `optional` by some; `next` is the command to run."""

    name: str
    state: State
    text: str
    next: str = ""


@click.command()
@common_options
@pass_app
@click.pass_context
def doctor(context: click.Context, app: App) -> None:
    """Check this machine and the chain; exit code 8 if something that every role needs is missing."""
    findings = list(examine(app))
    marks = {"ok": "✓ ok", "missing": "✗ missing", "optional": "- not there"}
    rows = [(f.name, marks[f.state], f.text, f.next) for f in findings]
    app.out.table("", ["part", "state", "found", "next command"], rows)
    is_well = all(f.state != "missing" for f in findings)
    todo = next((f.next for f in findings if f.state == "missing" and f.next), "")
    app.out.line("all set" if is_well else f"next: {todo}")
    app.out.result({"ok": is_well, "findings": [asdict(f) for f in findings]})
    context.exit(0 if is_well else EXIT_MISSING)


def examine(app: App) -> Iterator[Finding]:
    """All checks in the order in which a new user meets them."""
    yield _python()
    yield _packages()
    yield _home(app)
    yield _torch()
    yield _tool("anvil", "anvil", "make setup", "the devnet and the demo")
    yield _tool("node", "node", "install Node 20 or newer", "compiling contracts")
    yield _solc()
    yield _tool("ipfs", "ipfs", "make kubo", "a Kubo store; the embedded one needs nothing")
    yield from examine_chain(app)


def _python() -> Finding:
    found = platform.python_version()
    if sys.version_info >= PYTHON_MIN:
        return Finding("python", "ok", found)
    return Finding("python", "missing", f"{found}, expected 3.11 or newer", "install Python 3.11")


def _packages() -> Finding:
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        return Finding("packages", "missing", f"not installed: {', '.join(absent)}", "pip install fairtrain")
    return Finding("packages", "ok", f"{len(PACKAGES)} installed")


def _home(app: App) -> Finding:
    try:
        app.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=app.home):
            pass
    except OSError as error:
        return Finding(
            "data folder", "missing", f"{app.home}: {error.strerror}", "fairtrain --home DIR doctor"
        )
    free = shutil.disk_usage(app.home).free >> 30
    return Finding("data folder", "ok", f"{app.home}, {free} GiB free")


def _torch() -> Finding:
    install = "pip install 'fairtrain[trainer]'"
    if importlib.util.find_spec("torch") is None:
        return Finding("torch", "optional", "not installed; trainers need it", install)
    command = [sys.executable, "-W", "ignore", "-c", DEVICE]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=TORCH_TIMEOUT_S, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        return Finding("torch", "optional", f"cannot be imported ({type(error).__name__})", install)
    version, device = said.stdout.split()
    return Finding("torch", "ok", f"{version}, device {device}, {os.cpu_count()} CPUs")


def _tool(name: str, program: str, how: str, why: str) -> Finding:
    try:
        return Finding(name, "ok", str(find_tool(program)))
    except FairtrainError:
        return Finding(name, "optional", f"not found; needed for {why}", how)


def _solc() -> Finding:
    from market.chain.compile import checkout, solc_binary

    try:
        return Finding("solc", "ok", str(solc_binary(checkout())))
    except FairtrainError as error:
        return Finding("solc", "optional", f"{error.text}; needed for compiling contracts", "make setup")


def examine_chain(app: App) -> Iterator[Finding]:
    """Node, deployment file and market code; each only if the one before is there."""
    chain_id = running_chain_id(app.url)
    if chain_id is None:
        yield Finding("chain", "optional", f"nobody answers at {app.url}", "fairtrain devnet --detach")
        return
    yield Finding("chain", "ok", f"{app.url}, chain id {chain_id}")
    steps: list[tuple[str, Callable[[], str]]] = [
        ("deployment", lambda: str(app.deployment().market)),
        ("market", lambda: f"code as deployed, {app.gateway().project_count()} projects"),
    ]
    for name, check in steps:
        try:
            yield Finding(name, "ok", check())
        except FairtrainError as error:
            yield Finding(name, "optional", error.text, "fairtrain deploy --help")
            return
