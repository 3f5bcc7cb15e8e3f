"""A development chain of one's own: starts, awaits and stops anvil (or Ganache), and controls its time.

Keys come from the public test mnemonic that every such tool uses: everybody knows them, so nothing of value
may ever be sent to them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from market.errors import ChainError

if TYPE_CHECKING:  # takes a second to import: only who asks for a key pays for it
    from eth_account.signers.local import LocalAccount

MNEMONIC = "test test test test test test test test test test test junk"
HOST = "127.0.0.1"
HARDFORK = "shanghai"
CHAIN_IDS = {"anvil": 31337, "ganache": 1337}
START_TIMEOUT_S = 30.0
Kind = Literal["anvil", "ganache"]


@cache
def dev_account(index: int) -> LocalAccount:
    """Key number `index` of the public test mnemonic (BIP-44 path m/44'/60'/0'/0/index)."""
    from eth_account import Account

    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return account


def find_tool(name: str) -> Path:
    """Executable `name` on the path or in node_modules of a checkout; ChainError E208 says how to get it."""
    found = shutil.which(name)
    if found and "node_modules" not in Path(found).parts:
        return Path(found)
    for folder in (Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents):
        # npm's `anvil` is a Node script around the real binary; the binary itself gets our signals.
        hits = sorted(folder.glob(f"node_modules/@foundry-rs/{name}-*/bin/{name}"))
        hits += [folder / "node_modules" / ".bin" / name]
        for hit in hits:
            if hit.is_file() and os.access(hit, os.X_OK):
                return hit
    raise ChainError(
        "E208", f"{name} is neither on the path nor in node_modules; run `make setup` in the checkout"
    )


def free_port() -> int:
    """A TCP port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass
class Devnet:
    """A running development chain. As a context manager it is stopped at the end."""

    kind: Kind
    port: int
    pid: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """RPC URL."""
        return f"http://{HOST}:{self.port}"

    @property
    def chain_id(self) -> int:
        """31337 for anvil, 1337 for Ganache."""
        return CHAIN_IDS[self.kind]

    def __enter__(self) -> Devnet:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def request(self, method: str, *params: Any) -> Any:
        """One RPC call without retries; ChainError E206 if the chain does not answer or refuses."""
        return rpc_request(self.url, method, *params)

    def stop(self) -> None:
        """Ends the process, kindly at first."""
        if self.process is None:
            stop_process(self.pid)
        elif self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)

    def detach(self) -> None:
        """Lets the process outlive this one; `stop_process(pid)` ends it."""
        if self.process is not None:
            self.process.returncode = 0  # or Python would warn that nobody waited for it
            self.process = None

    # ----- time and state, for tests and demos -----

    def advance(self, seconds: int) -> None:
        """Moves the clock forward and mines a block, so that `latest` shows the new time as well."""
        self.request("evm_increaseTime", seconds)
        self.request("evm_mine")

    def set_next_time(self, timestamp: int) -> None:
        """Exact time of the next block (anvil only), unix seconds."""
        self.request("evm_setNextBlockTimestamp", timestamp)

    def snapshot(self) -> str:
        """Id of the state now, for `revert`."""
        return str(self.request("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Back to a state; its id is used up."""
        self.request("evm_revert", snapshot)


def start_devnet(
    kind: Kind = "anvil",
    port: int = 0,
    accounts: int = 20,
    block_time_s: int | None = None,
    log: Path | None = None,
    extra: Sequence[str] = (),
) -> Devnet:
    """Starts a chain with `accounts` funded keys and waits until it answers.

    It mines each transaction at once, or a block every `block_time_s`. `port` 0 takes a free one. Output goes
    to the file `log` if given. ChainError E206 if the port is taken or it does not start, E208 if missing.
    """
    port = port or free_port()
    if _listening(port):
        raise ChainError("E206", f"port {port} is taken; pass --port N or stop what uses it")
    command = _command(kind, port, accounts, block_time_s) + list(extra)
    with tempfile.TemporaryFile() if log is None else log.open("ab+") as out:
        # Own session: Ctrl-C in a terminal reaches our process, which stops the chain after its own clean-up.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        devnet = Devnet(kind, port, process.pid, process)
        try:
            _await_answer(devnet)
        except BaseException as error:
            devnet.stop()
            if isinstance(error, ChainError):
                raise ChainError("E206", f"{error.text}; it said: {_reason(out)}") from None
            raise
    return devnet


def _reason(out: IO[bytes]) -> str:
    """The last line of a tool's output that speaks of an error, else its last line."""
    out.seek(0)
    lines = [line.strip() for line in out.read().decode(errors="replace").splitlines() if line.strip()]
    blamed = [line for line in lines if "error" in line.lower()]
    return (blamed or lines or ["nothing"])[-1]


def rpc_request(url: str, method: str, *params: Any, timeout_s: float = 10.0) -> Any:
    """One JSON-RPC call with nothing but the standard library; ChainError E206 on any failure."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            reply = json.load(answer)
    except (OSError, ValueError) as error:
        raise ChainError("E206", f"{method}: no answer from {url} ({error})") from None
    if not isinstance(reply, dict) or "result" not in reply:
        raise ChainError("E206", f"{method}: {url} refused ({reply})")
    return reply["result"]


def process_runs(pid: int) -> bool:
    """Whether a process with this id exists and has not ended (a zombie has)."""
    try:
        os.kill(pid, 0)
        with suppress(OSError):  # where there is /proc
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def stop_process(pid: int, patience_s: float = 5.0) -> None:
    """Ends a process that another command started; silently if it is gone."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        if not process_runs(pid):
            return
        os.kill(pid, kind)
        until = time.monotonic() + patience_s
        while process_runs(pid) and time.monotonic() < until:
            time.sleep(0.05)


def _command(kind: Kind, port: int, accounts: int, block_time_s: int | None) -> list[str]:
    if kind == "anvil":
        out = [str(find_tool("anvil")), "--host", HOST, "--port", str(port), "--accounts", str(accounts)]
        out += ["--mnemonic", MNEMONIC, "--hardfork", HARDFORK, "--chain-id", str(CHAIN_IDS[kind])]
        return out + (["--block-time", str(block_time_s)] if block_time_s else [])
    out = [str(find_tool("ganache")), "--server.host", HOST, "--server.port", str(port)]
    out += ["--wallet.mnemonic", MNEMONIC, "--wallet.totalAccounts", str(accounts)]
    out += ["--wallet.defaultBalance", "10000", "--chain.hardfork", HARDFORK]
    out += ["--chain.chainId", str(CHAIN_IDS[kind]), "--miner.blockTime", str(block_time_s or 0)]
    return out


def _await_answer(devnet: Devnet) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while True:
        assert devnet.process is not None
        if (status := devnet.process.poll()) is not None:
            raise ChainError("E206", f"{devnet.kind} ended with status {status} on port {devnet.port}")
        try:
            found = int(rpc_request(devnet.url, "eth_chainId", timeout_s=2.0), 16)
        except ChainError as error:
            if time.monotonic() > until:
                what = f"{devnet.kind} did not answer within {START_TIMEOUT_S:.0f} s"
                raise ChainError("E206", f"{what}: {error.text}") from None
            time.sleep(0.05)
            continue
        if found != devnet.chain_id:
            raise ChainError("E206", f"port {devnet.port} answers with chain id {found}; pass --port N")
        return


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
