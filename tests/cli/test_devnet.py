"""`fairtrain devnet`: start, status, stop; and the process control below it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from market.chain.deployment import Deployment
from market.cli import fairtrain, run
from market.devnet import (
    Devnet,
    dev_account,
    find_tool,
    free_port,
    process_runs,
    rpc_request,
    start_devnet,
    stop_process,
)
from market.errors import ChainError

pytestmark = pytest.mark.chain


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("FAIRTRAIN_RPC", "FAIRTRAIN_HOME", "FAIRTRAIN_DEPLOYMENT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run(fairtrain, [str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


class TestCommand:
    def test_devnet_detached__other_commands_find_it_until_it_is_stopped(
        self, home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, _ = call(capsys, "--home", home, "--json", "devnet", "--port", 0, "--detach")
        started: dict[str, Any] = json.loads(out)
        try:
            assert code == 0
            assert Deployment.load(home / "deployments" / "31337.json").market == started["market"]
            assert rpc_request(started["url"], "eth_chainId") == "0x7a69"

            code, out, _ = call(capsys, "devnet", "status", "--home", home)
            assert (code, out) == (0, f"running at {started['url']} (pid {started['pid']})\n")
            code, _, err = call(capsys, "--home", home, "devnet", "--port", 0, "--detach")
            assert code == 4
            assert f"E206 a devnet of this data folder runs at {started['url']}" in err
        finally:
            code, out, _ = call(capsys, "devnet", "stop", "--home", home)
        assert (code, out) == (0, f"stopped {started['url']}\n")
        assert not process_runs(started["pid"])
        assert not (home / "devnet.json").exists()

    @pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
    def test_devnet_in_foreground__stop_and_closed_terminal_end_the_chain_too(
        self, home: Path, end: signal.Signals
    ) -> None:
        command = [sys.executable, "-m", "market.cli", "--home", str(home), "devnet", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            while (line := process.stdout.readline()) and not line.startswith("running"):
                pass
            running = json.loads((home / "devnet.json").read_text())
            process.send_signal(end)
            assert process.wait(20) == 130
        assert not process_runs(running["pid"])
        assert not (home / "devnet.json").exists()

    def test_devnet_killed_chain__status_says_so_and_a_new_one_may_start(
        self, home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        home.mkdir()
        stale = {
            "url": f"http://127.0.0.1:{free_port()}",
            "pid": 2**22 - 1,
            "kind": "anvil",
            "chain_id": 31337,
        }
        (home / "devnet.json").write_text(json.dumps(stale))
        assert call(capsys, "devnet", "status", "--home", home)[:2] == (4, "not running\n")
        code, _, err = call(capsys, "devnet", "stop", "--home", home)
        assert (code, err.startswith("error: E206 no devnet")) == (4, True)

    def test_devnet_port_taken__e206_and_nothing_left_behind(
        self, anvil: Devnet, home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, _, err = call(capsys, "--home", home, "devnet", "--port", anvil.port, "--detach")
        assert code == 4
        assert f"E206 port {anvil.port} is taken; pass --port N" in err
        assert not (home / "devnet.json").exists()

    @pytest.mark.parametrize("words", [["--port", "65536"], ["--accounts", "0"], ["--block-time", "0"]])
    def test_devnet_option_out_of_range__usage_error(
        self, home: Path, capsys: pytest.CaptureFixture[str], words: list[str]
    ) -> None:
        assert call(capsys, "--home", home, "devnet", *words)[0] == 2


class TestProcess:
    def test_start_devnet_anvil__shanghai_and_funded_public_keys(self, anvil: Devnet) -> None:
        assert dev_account(0).address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
        info = anvil.request("anvil_nodeInfo")
        assert info["hardFork"].lower() == "shanghai"
        assert int(anvil.request("eth_getBalance", dev_account(39).address, "latest"), 16) == 10**22

    def test_start_devnet_bad_option__e206_quotes_the_tool(self) -> None:
        with pytest.raises(ChainError, match=r"E206 anvil ended with status 2 .*--no-such-option"):
            start_devnet(extra=("--no-such-option",))

    def test_start_devnet_block_time__mines_by_itself(self) -> None:
        with start_devnet(block_time_s=1) as chain:
            until = time.monotonic() + 10
            while int(chain.request("eth_blockNumber"), 16) == 0:
                assert time.monotonic() < until
                time.sleep(0.05)

    def test_stop__process_is_gone(self) -> None:
        with start_devnet() as chain:
            assert process_runs(chain.pid)
        assert not process_runs(chain.pid)
        chain.stop()  # a second time is harmless

    def test_stop_process_of_another_command__ends_it(self) -> None:
        process = subprocess.Popen(["sleep", "60"])
        stop_process(process.pid)
        assert process.wait(1) == -signal.SIGTERM

    def test_find_tool_missing__e208_names_the_command(self) -> None:
        with pytest.raises(
            ChainError, match="E208 no-such-tool is neither on the path nor in node_modules; run"
        ):
            find_tool("no-such-tool")

    def test_find_tool_on_path__preferred(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        mine = tmp_path / "anvil"
        mine.write_text("#!/bin/sh\n")
        mine.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        assert find_tool("anvil") == mine

    def test_rpc_request_refused__e206_with_the_nodes_words(self, anvil: Devnet) -> None:
        with pytest.raises(ChainError, match=r"E206 eth_noSuchMethod: .* refused"):
            anvil.request("eth_noSuchMethod")

    def test_rpc_request_nobody_there__e206(self) -> None:
        with pytest.raises(ChainError, match="E206 eth_chainId: no answer from"):
            rpc_request(f"http://127.0.0.1:{free_port()}", "eth_chainId")
