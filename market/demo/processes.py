"""Child processes of a demonstration: each is the real command line, its output goes to a log of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from market.errors import ChainError

STOP_SECONDS = 10.0


@dataclass
class Child:
    """One running command. `name` is the log's name."""

    name: str
    arguments: list[str]
    log: Path
    process: subprocess.Popen[bytes]

    def tail(self, lines: int = 12) -> str:
        """Last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass
class Family:
    """All children of one demonstration; leaving the context stops them."""

    folder: Path
    environment: Mapping[str, str]
    children: dict[str, Child] = field(default_factory=dict)

    def __enter__(self) -> Family:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self, name: str, *arguments: str) -> Child:
        """Starts `fairtrain ARGUMENTS`; a second start under a name appends to its log (a restart)."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "market.cli", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | dict(self.environment),
                start_new_session=True,
            )
        child = Child(name, list(arguments), log, process)
        self.children[name] = child
        return child

    def restart(self, name: str) -> Child:
        """Starts the command of a child that has ended or was killed again."""
        return self.start(name, *self.children[name].arguments)

    def check(self) -> None:
        """Raises ChainError E220 if a child has failed."""
        for child in self.children.values():
            code = child.process.poll()
            if code not in (None, 0):
                raise ChainError(
                    "E220", f"{child.name} ended with exit code {code}; its log says:\n{child.tail()}"
                )

    def running(self) -> list[str]:
        """Names of children that have not ended."""
        return [name for name, child in self.children.items() if child.process.poll() is None]

    def stop(self) -> None:
        """Asks all to end, then ends them."""
        alive = [child for child in self.children.values() if child.process.poll() is None]
        for child in alive:
            child.process.terminate()
        for child in alive:
            try:
                child.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
