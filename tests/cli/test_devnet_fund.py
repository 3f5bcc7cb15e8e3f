"""`fairtrain devnet fund`: worthless coins for a key of one's own, on a development chain only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from market.cli import devnet as devnet_commands
from market.cli import fairtrain, run
from market.devnet import Devnet, dev_account, rpc_request
from market.keystore import WEAK, create

pytestmark = pytest.mark.chain

NEWCOMER = "0x00000000000000000000000000000000000000A1"


@pytest.fixture
def fund(anvil: Devnet, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def call(*words: str) -> tuple[int, str, str]:
        code = run(fairtrain, ["--home", str(tmp_path), "--rpc", anvil.url, "devnet", "fund", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def balance(chain: Devnet, account: str) -> int:
    return int(rpc_request(chain.url, "eth_getBalance", account, "pending"), 16)


def test_fund__receiver_has_the_amount_and_account_0_keeps_its_nonce(anvil: Devnet, fund) -> None:
    before = balance(anvil, NEWCOMER)
    nonce = rpc_request(anvil.url, "eth_getTransactionCount", dev_account(0).address, "latest")
    code, out, _ = fund(NEWCOMER, "0.25")
    assert code == 0
    assert out.startswith(f"sent 0.25 ETH to {NEWCOMER}, which has ")
    assert balance(anvil, NEWCOMER) == before + 25 * 10**16
    assert rpc_request(anvil.url, "eth_getTransactionCount", dev_account(0).address, "latest") == nonce


def test_fund_keystore_file__its_address_has_the_amount(anvil: Devnet, fund, tmp_path: Path) -> None:
    key = create(tmp_path / "anna.json", "secret", WEAK)
    code, out, _ = fund(str(tmp_path / "anna.json"), "5")
    assert (code, key.address in out) == (0, True)
    assert balance(anvil, key.address) == 5 * 10**18


def test_fund_twice_as_json__says_amount_and_balance(anvil: Devnet, fund) -> None:
    before = balance(anvil, NEWCOMER)
    assert fund(NEWCOMER, "1wei")[0] == 0
    code, out, _ = fund(NEWCOMER, "1wei", "--json")
    said = json.loads(out)
    assert (code, said["ok"], said["sent_wei"]) == (0, True, "1")
    assert said["balance_wei"] == str(before + 2)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("0x12", "1"), 2, "E10"),
        ((NEWCOMER, "much"), 2, "no amount"),
        ((NEWCOMER, "1000000"), 4, "E206 eth_sendTransaction"),
    ],
)
def test_fund_wrong_word__refused(fund, words: tuple[str, str], code: int, text: str) -> None:
    got, _, err = fund(*words)
    assert (got, text in err) == (code, True), err


def test_fund_on_another_chain__e201_and_nothing_sent(
    anvil: Devnet, fund, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = balance(anvil, NEWCOMER)
    monkeypatch.setattr(devnet_commands, "CHAIN_IDS", {"ganache": 1337})
    code, _, err = fund(NEWCOMER, "1")
    assert code == 4
    assert "E201 chain 31337" in err
    assert "expected 1337" in err
    assert balance(anvil, NEWCOMER) == before
