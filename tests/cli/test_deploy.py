"""`fairtrain deploy`: to any chain by URL and keystore, with a file that other commands read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from market.chain.deployment import Deployment
from market.chain.gateway import Gateway
from market.cli import fairtrain, run
from market.devnet import Devnet, dev_account, start_devnet
from market.keystore import WEAK, import_key
from market.params import DEMO, MAINNET

pytestmark = pytest.mark.chain
PASSWORD = "a long test password"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("FAIRTRAIN_RPC", "FAIRTRAIN_HOME", "FAIRTRAIN_DEPLOYMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FAIRTRAIN_PASSWORD", PASSWORD)
    return tmp_path / "home"


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    path = tmp_path / "deployer.json"
    import_key(path, bytes(dev_account(4).key), PASSWORD, WEAK)
    return path


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run(fairtrain, [str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize(("preset", "limits"), [("mainnet", MAINNET.limits), ("demo", DEMO.limits)])
def test_deploy_by_keystore__file_others_can_use(
    anvil: Devnet, home: Path, keystore: Path, capsys: pytest.CaptureFixture[str], preset: str, limits: object
) -> None:
    words = ("--home", home, "--rpc", anvil.url, "deploy", "--keystore", keystore, "--preset", preset)
    code, out, _ = call(capsys, *words)

    deployment = Deployment.load(home / "deployments" / "31337.json")
    assert code == 0
    assert f"market {deployment.market} on chain 31337" in out
    assert Gateway(anvil.url, deployment).limits() == limits
    sender = anvil.request("eth_getTransactionByHash", deployment.tx)["from"]
    assert sender.lower() == dev_account(4).address.lower()


def test_deploy_json__one_document_and_file_where_asked(
    anvil: Devnet, home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.json"
    words = ("deploy", "--devnet-key", 0, "--preset", "demo", "--json", "--rpc", anvil.url)
    code, out, _ = call(capsys, *words, "--home", home, "--deployment", file)
    said = json.loads(out)
    assert (code, said["ok"], said["file"]) == (0, True, str(file))
    assert said["deployment"]["market"] == Deployment.load(file).market


def test_deploy_short_windows_on_public_chain__e107_unless_allowed(
    home: Path, keystore: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with start_devnet(extra=()) as chain:
        chain.request("anvil_setChainId", 5)
        words = ("--home", home, "--rpc", chain.url, "deploy", "--keystore", keystore, "--preset", "demo")
        code, _, err = call(capsys, *words)
        assert code == 2
        assert "E107 preset demo allows windows of seconds, too short for chain 5" in err
        assert chain.request("eth_blockNumber") == "0x0"


def test_deploy_public_test_key_on_public_chain__refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with start_devnet() as chain:
        chain.request("anvil_setChainId", 5)
        words = ("--home", home, "--rpc", chain.url, "deploy", "--devnet-key", 0, "--preset", "mainnet")
        code, _, err = call(capsys, *words)
    assert code == 2
    assert "E189 --devnet-key is public" in err


def test_deploy_wrong_password__exit_5_and_nothing_sent(
    anvil: Devnet,
    home: Path,
    keystore: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAIRTRAIN_PASSWORD", "wrong")
    before = anvil.request("eth_blockNumber")
    words = ("--home", home, "--rpc", anvil.url, "deploy", "--keystore", keystore, "--preset", "demo")
    code, _, err = call(capsys, *words)
    assert code == 5
    assert "E210 cannot open keystore: wrong password" in err
    assert anvil.request("eth_blockNumber") == before


def test_deploy_without_node__exit_4_and_next_step(
    home: Path, keystore: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--rpc", "http://127.0.0.1:9", "deploy", "--keystore", keystore, "--preset", "demo", "--json")
    code, out, err = call(capsys, *words, "--home", home)
    said = json.loads(err)
    assert (code, out) == (4, "")
    assert (said["ok"], said["code"], said["exit_code"]) == (False, "E206", 4)
    assert "fairtrain devnet" in said["error"]


def test_deploy_without_funds__exit_4_says_how_much_is_there(
    anvil: Devnet, home: Path, keystore: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anvil.request("anvil_setBalance", dev_account(4).address, "0x7")
    words = ("--home", home, "--rpc", anvil.url, "deploy", "--keystore", keystore, "--preset", "demo")
    code, _, err = call(capsys, *words)
    assert code == 4
    assert "E205" in err
    assert "has 7 wei" in err


@pytest.mark.parametrize("words", [["deploy"], ["deploy", "--preset", "huge"]])
def test_deploy_usage__exit_2(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert call(capsys, *words)[0] == 2
