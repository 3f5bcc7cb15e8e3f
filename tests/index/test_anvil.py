"""The index on a real chain: the contract's own getters, a real reorganisation, a whole market, the commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from market.chain.blocks import ChainBlocks, may_have_logs
from market.chain.gateway import Gateway
from market.cli import run
from market.devnet import Devnet, dev_account
from market.errors import ChainError
from market.index.cli import index
from market.index.getters import Getters
from market.index.indexer import Step
from market.index.queries import open_reader
from market.index.views import Document
from market.params import MINIMAL, Content
from market.units import NATIVE
from tests.fixtures_chain import MakeGateway
from tests.index.sync import dumped, fresh, reading, service, steps
from tests.scenarios.market_in_process import open_market


def assert_contract(url: str, gateway: Gateway, accounts: list[str]) -> None:
    """Every getter of the index against the contract's, at the same second."""
    with reading(url) as connection:
        getters = Getters(connection, gateway.now())
        assert getters.held(NATIVE) == gateway.held(NATIVE)
        for account in accounts:
            assert getters.credit(NATIVE, account) == gateway.credit(NATIVE, account)
        for project in range(1, gateway.project_count() + 1):
            assert getters.params(project) == gateway.params(project)
            assert getters.project(project) == gateway.project(project)
            for account in accounts:
                assert getters.aggregator(project, account) == gateway.aggregator(project, account)
            for round_ in range(gateway.project(project).head + 2):
                assert getters.round(project, round_) == gateway.round(project, round_)
                assert getters.result(project, round_) == gateway.result(project, round_)
                for seat in range(gateway.params(project)[0].seats):
                    assert getters.slot(project, round_, seat) == gateway.slot(project, round_, seat)
            for seat in range(gateway.params(project)[0].seats):
                assert getters.seat(project, seat) == gateway.seat(project, seat)


def create(gateway: Gateway, pots: int = 1) -> None:
    """A funded project."""
    params = MINIMAL.project(gateway.now(), 100)
    gateway.send("create", params, Content(b"\1" * 32, b"\2" * 32, b"\3" * 32))
    number = gateway.project_count()
    gateway.send("fund", number, pots * params.pot, value=pots * params.pot)


@pytest.mark.chain
def test_sync_a_real_market__equals_the_contract(
    anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path, sqlite: str
) -> None:
    market = open_market(anvil, make_gateway, tmp_path)
    market.fund(2)
    for _ in range(3):
        market.join()
    market.aggregate()
    source = ChainBlocks(make_gateway())
    with service(sqlite, source, market.store) as running:
        running.catch_up()
        market.run_until(lambda: market.owner.project(market.project).last_final >= 1)
        running.catch_up()
        accounts = [dev_account(n).address for n in range(14)]
        assert_contract(sqlite, market.owner, accounts)
        market.stop()
        market.run_until(market.over)
        market.drain()
        running.catch_up()
    assert_contract(sqlite, market.owner, accounts)

    with open_reader(sqlite) as reader:
        page, first = reader.project(market.project), reader.round(market.project, 1)
    assert page is not None
    assert first is not None
    assert page.money.balances
    assert page.title == "Digits, small"
    assert first.results[0].document is Document.CHECKED
    assert sum(update.pay or 0 for update in first.updates) == first.results[0].paid
    assert {update.verdict for update in first.updates} == {"honest"}
    assert all(update.cid and market.store.has(update.cid) for update in first.updates)
    assert first.results[0].step_squared
    assert dumped(sqlite) == fresh(tmp_path, source, market.store)


@pytest.mark.chain
@pytest.mark.parametrize("depth", [1, 5])
def test_step_anvil_reorg__equals_a_fresh_sync(
    anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path, sqlite: str, depth: int
) -> None:
    gateway = make_gateway(0)
    source = ChainBlocks(gateway)
    with service(sqlite, source) as running:
        for _ in range(4):
            create(gateway)
        steps(running)
        anvil.request("anvil_reorg", depth, [])
        anvil.request("anvil_mine", "0x1")

        assert Step.REWOUND in steps(running)
        assert_contract(sqlite, gateway, [gateway.address])
        create(gateway)
        steps(running)

    assert_contract(sqlite, gateway, [gateway.address])
    assert dumped(sqlite) == fresh(tmp_path, source)


@pytest.mark.chain
def test_header_bloom__admits_exactly_blocks_with_our_logs(make_gateway: MakeGateway) -> None:
    gateway = make_gateway(0)
    source = ChainBlocks(gateway)
    create(gateway)
    for number in range(source.deployment.block + 1, source.head() + 1):
        header = source.header(number)
        assert header is not None
        if source.logs(number, number):
            assert may_have_logs(header.bloom, gateway.address)
    assert source.logs(source.head(), source.head())
    assert source.header(source.head() + 1) is None


@pytest.mark.chain
def test_check_other_genesis__refused(anvil: Devnet, make_gateway: MakeGateway) -> None:
    from dataclasses import replace

    source = ChainBlocks(make_gateway())
    source.check()
    source.deployment = replace(source.deployment, genesis_hash="0x" + "00" * 32)

    with pytest.raises(ChainError, match="E201"):
        source.check()


# ----- commands -----


def cli(anvil: Devnet, make_gateway: MakeGateway, folder: Path, *words: str) -> list[str]:
    """Arguments with the chain, the deployment and the data folder."""
    file = folder / "deployment.json"
    make_gateway().deployment.save(file)
    return [*words, "--home", str(folder), "--rpc", anvil.url, "--deployment", str(file)]


@pytest.mark.chain
def test_index_commands__run_status_dump_and_rebuild(
    anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    create(make_gateway(0))

    def call(*words: str) -> tuple[int, bytes]:
        code = run(index, cli(anvil, make_gateway, tmp_path, *words), "fairtrain index")
        return code, capsysbinary.readouterr().out

    assert call("run", "--once")[0] == 0
    code, status = call("status", "--json")
    shown: dict[str, Any] = json.loads(status)
    assert (code, shown["state"], shown["stale"], shown["lag_blocks"]) == (0, "following", False, 0)
    code, before = call("dump")
    assert code == 0
    assert before.count(b"\nprojects ") == 1
    assert call("rebuild")[0] == 0
    assert call("dump")[1] == before
    target = tmp_path / "dump.txt"
    assert call("dump", "--output", str(target), "--no-documents")[0] == 0
    assert b"\ndescriptions " not in target.read_bytes()


@pytest.mark.chain
def test_index_run_second_one_and_sigterm__refused_and_ended_cleanly(
    anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path
) -> None:
    words = cli(anvil, make_gateway, tmp_path, "run")
    command = [sys.executable, "-m", "market.cli", "index", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline().startswith("indexing market")
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        first.terminate()
        first.stdout.read()

    assert (second.returncode, "E204" in second.stderr) == (4, True)
    assert first.returncode == 0


@pytest.mark.chain
def test_index_status_without_an_index__says_what_to_do(
    anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(index, cli(anvil, make_gateway, tmp_path, "status"), "fairtrain index") == 4
    assert "fairtrain index run" in capsys.readouterr().err
