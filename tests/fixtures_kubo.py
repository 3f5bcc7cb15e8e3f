"""A real Kubo daemon for tests: empty repository, loopback only, offline, gone at the end.

Load with `pytest_plugins = ["tests.fixtures_kubo"]`. Without a Kubo and without a Go to build one, tests that
ask for a fixture here are skipped with one line; `CI=true` turns that skip into a failure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0


@pytest.fixture(scope="session")
def kubo_binary() -> Path:
    """Path of `ipfs`, found or built by `tools/kubo/build.py`."""
    script = ROOT / "tools" / "kubo" / "build.py"
    found = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return Path(found.stdout.strip())
    reason = (found.stderr.strip().splitlines() or ["no Kubo"])[-1]
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def kubo_api(kubo_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """RPC address of a daemon shared by the session, as a multiaddress."""
    with running_kubo(kubo_binary, tmp_path_factory.mktemp("kubo")) as daemon:
        yield daemon.address


@dataclass(frozen=True)
class Daemon:
    """A running daemon: RPC multiaddress and the way to end it early."""

    address: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the daemon; harmless when it has ended."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running_kubo(binary: Path, folder: Path, settings: dict[str, object] | None = None) -> Iterator[Daemon]:
    """Start a daemon on an empty repository in `folder`, with extra `ipfs config` values; end it at exit."""
    environment = {**os.environ, "IPFS_PATH": str(folder / "repo"), "IPFS_TELEMETRY": "off"}
    _configure(binary, environment, settings or {})
    log = folder / "daemon.log"
    with log.open("w") as output:
        command = [str(binary), "daemon", "--offline"]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    daemon = Daemon("", process)
    try:
        yield replace(daemon, address=_wait_for_address(process, folder / "repo" / "api", log))
    finally:
        daemon.stop()


def _configure(binary: Path, environment: dict[str, str], settings: dict[str, object]) -> None:
    def ipfs(*arguments: str) -> None:
        subprocess.run([str(binary), *arguments], env=environment, capture_output=True, check=True)

    ipfs("init", "--profile=test")
    loopback = "/ip4/127.0.0.1/tcp/0"  # port 0: the system chooses, and the daemon writes its `api` file
    quiet = {"AutoConf.Enabled": False, "Addresses.API": loopback, "Addresses.Gateway": loopback}
    for name, value in {**quiet, **settings}.items():
        ipfs("config", "--json", name, json.dumps(value))


def _wait_for_address(daemon: subprocess.Popen[bytes], api: Path, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and daemon.poll() is None:
        if "Daemon is ready" in log.read_text(errors="replace"):
            return api.read_text().strip()
        time.sleep(0.05)
    raise RuntimeError(f"Kubo did not start: {log.read_text(errors='replace')[-500:]}")
