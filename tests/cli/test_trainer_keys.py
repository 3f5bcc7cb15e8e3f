"""`fairtrain trainer` before anything is sent: keys, terms of a project, dry runs."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from market.devnet import dev_account
from tests.cli.role_world import DATA, FIRST_TRAINER, Roles

pytestmark = pytest.mark.chain
TRAINER = FIRST_TRAINER
ME = dev_account(TRAINER).address


@pytest.fixture
def password(tmp_path: Path) -> Path:
    return secret(tmp_path / "password", "correct horse")


def secret(path: Path, text: str) -> Path:
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


# ----- init and keys -----


def test_init__writes_a_private_keystore_and_one_document(roles: Roles, password: Path) -> None:
    said = roles("trainer", "init", "--weak", "--password-file", password)

    path = roles.home / "keystores" / "default.json"
    assert (said.code, said.body["keystore"]) == (0, str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["address"].lower() in said.body["address"].lower()


def test_init_for_people__names_the_next_step(roles: Roles, password: Path) -> None:
    said = roles("trainer", "init", "--weak", "--password-file", password, as_json=False)

    assert "next: send it a little for gas and stake, then fairtrain trainer join" in said.out


def test_init_twice__keeps_the_first_key(roles: Roles, password: Path) -> None:
    first = roles("trainer", "init", "--weak", "--password-file", password)
    path = Path(first.body["keystore"])
    before = path.read_bytes()

    said = roles("trainer", "init", "--weak", "--password-file", password)

    assert (said.code, said.error["code"]) == (5, "E212")
    assert path.read_bytes() == before


def test_init_without_password__refused_e214(roles: Roles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAIRTRAIN_PASSWORD", raising=False)

    assert roles("trainer", "init", "--weak").error["code"] == "E214"


def test_init_and_join_with_the_keystore__pays_from_its_address(roles: Roles, password: Path) -> None:
    address = roles("trainer", "init", "--weak", "--password-file", password).body["address"]
    project = roles.create()
    roles.chain.request("anvil_setBalance", address, hex(10**19))

    said = roles("trainer", "join", project, "--password-file", password, "--yes")

    assert (said.code, said.body) == (0, {"ok": True, "project": project, "seat": 0, "address": address})
    assert roles.owner.seat(project, 0).payout == address


def test_join_wrong_password__refused_e210(roles: Roles, password: Path) -> None:
    roles("trainer", "init", "--weak", "--password-file", password)

    said = roles(
        "trainer", "join", 1, "--yes", "--password-file", secret(roles.home / "other", "battery staple")
    )

    assert (said.code, said.error["code"]) == (5, "E210")
    assert "wrong password" in said.error["error"]
    assert "battery" not in said.err


def test_join_without_keystore__refused_e211_with_the_next_step(roles: Roles) -> None:
    said = roles("trainer", "join", 1, "--yes")

    assert (said.code, said.error["code"]) == (5, "E211")
    assert "fairtrain trainer init" in said.error["error"]


def test_join_with_devnet_key_on_another_chain__refused_before_anything_is_sent(roles: Roles) -> None:
    project, file = roles.create(), roles.home / "elsewhere.json"
    replace(roles.deployment, chain_id=5).save(file)
    roles.chain.request("anvil_setChainId", 5)
    try:
        said = roles("trainer", "join", project, "--yes", "--deployment", file, key=TRAINER)
    finally:
        roles.chain.request("anvil_setChainId", roles.deployment.chain_id)

    assert (said.code, said.error["code"]) == (2, "E189")
    assert "chain 5 is no devnet" in said.error["error"]


# ----- terms and dry run -----


def test_terms__need_no_key_and_are_one_document(roles: Roles) -> None:
    said = roles("trainer", "terms", roles.create())

    assert (said.code, said.body["title"]) == (0, "Three kinds of iris")
    assert said.body["terms"]["pot_wei"] == str(10**18)
    assert said.body["mean_share"] == str(95 * 10**16 // 3)


def test_terms_for_people__say_what_admission_means(roles: Roles) -> None:
    said = roles("trainer", "terms", roles.create(), as_json=False)

    for text in ("whoever holds most seats decides", "aggregator's fee", "public for ever", "gas of a round"):
        assert text in said.out


def test_terms_where_gas_eats_the_pay__warn(roles: Roles) -> None:
    said = roles("trainer", "terms", roles.create(pot=10_000))

    assert "warning: at this gas price a round costs more gas than it pays" in said.err
    assert said.body["mean_share"] == "3166"


def test_terms_of_unknown_project__refused_by_the_contract(roles: Roles) -> None:
    said = roles("trainer", "terms", 99)

    assert (said.code, said.error["code"]) == (6, "MarketUnknownProject")


def test_dry_run__trains_and_sends_nothing(roles: Roles) -> None:
    project, blocks = roles.create(), roles.owner.block_number()

    said = roles("trainer", "run", project, "--dry-run", "--dry-rounds", 2, "--data", DATA)

    assert (said.code, said.body["samples"], said.body["rounds"]) == (0, 20, 2)
    assert roles.owner.block_number() == blocks + 0 * said.body["parameters"]


def test_dry_run_without_data__refused_e128(roles: Roles) -> None:
    said = roles("trainer", "run", roles.create(), "--dry-run")

    assert (said.code, said.error["code"]) == (2, "E128")
