"""Calls for wallets: equal to what the gateway sends, and read back in a browser from their bytes alone (W4)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from market.chain.artifacts import load_artifact
from market.claims import AccountProof
from market.params import DEMO, Content
from market.records import Account, Opening
from market.units import NATIVE
from tests.webapp.conftest import Client, Open
from webapp import calls
from webapp.form import read_form
from webapp.render import STATIC
from webapp.samples import CONTENT, NOW, who

WANTED = {"title": "Iris", "features": "4", "labels": "3", "budget": "2", "seats": "4"}
MARKET = who(200)
PROOF = AccountProof(
    Account(-5, 10**16, 7), Opening(b"\1" * 32, b"\2" * 32, b"\3" * 32), (b"\4" * 32, b"\5" * 32)
)


def configuration() -> Any:
    return read_form(WANTED, "demo", DEMO.limits, NOW).configuration


def every_call() -> list[calls.Call]:
    """One of each."""
    found = [calls.create_call(MARKET, configuration(), CONTENT, NOW)]
    found += calls.fund_calls(MARKET, 7, NATIVE, 10**18)
    found += calls.fund_calls(MARKET, 7, who(5), 10**6)
    found += [calls.owner_call(MARKET, name, 7) for name in ("stop", "refund")]
    found.append(calls.withdraw_call(MARKET, NATIVE, who(1)))
    found += [calls.chore_call(MARKET, name, 7, 3) for name in calls.CHORES]
    found += [calls.seat_call(MARKET, name, 7, 3, 5, PROOF) for name in calls.OF_SEATS]
    found.append(calls.flat_call(MARKET, 7, 3, 5, 1))
    found += [calls.ask_call(MARKET, name, 9) for name in calls.OF_ASKS]
    return found


def test_create_call__is_what_the_contract_decodes() -> None:
    call = calls.create_call(MARKET, configuration(), CONTENT, NOW)
    interface = load_artifact("Market").interface

    expected = interface.encode_call("create", [configuration().params(NOW), CONTENT])
    assert call.data == "0x" + expected.hex()
    assert len(call.words) == (len(expected) - 4) // 32


def test_fund_call_native__value_is_the_amount() -> None:
    (call,) = calls.fund_calls(MARKET, 7, NATIVE, 123)

    assert (call.to, call.value) == (MARKET, "123")


def test_fund_calls_token__approve_exactly_the_amount_and_send_no_coins() -> None:
    approve, fund = calls.fund_calls(MARKET, 7, who(5), 123)

    assert (approve.to, approve.value, fund.to, fund.value) == (who(5), "0", MARKET, "0")
    assert approve.data.endswith(f"{123:064x}")
    assert MARKET[2:].lower() in approve.data
    assert "f" * 64 not in approve.data


def test_names_in_the_browser__are_those_of_the_contract() -> None:
    """The browser's own table names every word; it must never drift from the ABI."""
    source = (STATIC / "calls.js").read_text()
    for call in every_call():
        name = call.signature.partition("(")[0]
        words = [word.partition(" ")[2].rpartition(".")[2] for word in call.words]
        if name == "create":
            words = [w.removeprefix("params.").removeprefix("content.") for w in words]
            listed = re.search(r'"(token pot [^"]+)"', source)
            windows = re.search(r'"(commit reveal [^"]+)"', source)
            assert listed
            assert windows
            own = listed[1].split() + windows[1].split() + ["descriptionDigest", "modelDigest", "modelRoot"]
        else:
            found = re.search(rf"\b{name}: \[([^\]]*)\]", source)
            assert found, name
            own = re.findall(r'"([\w.]+)"', found[1])
            own = [word.rpartition(".")[2] for word in own]
        # calls that the market passes on to another part of its code have no names in its ABI
        assert [given if word else "" for given, word in zip(own, words, strict=True)] == words, name


SCRIPT = """
global.window = {}; require(process.argv[1]);
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const out = given.map((call) => {
  try {
    const read = window.calls.decode(call);
    return { name: read.name, args: read.args.map((one) => [one.name, String(one.value)]) };
  } catch (error) { return { error: error.message }; }
});
console.log(JSON.stringify(out, null, 0));
"""


def in_browser_code(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `static/calls.js` reads from calls."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on the path")
    done = subprocess.run(
        [node, "-e", SCRIPT, str(STATIC / "calls.js")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_decoder_of_the_browser__reads_every_call() -> None:
    made = every_call()
    read = in_browser_code([asdict(call) for call in made])

    assert [one.get("name") for one in read] == [call.signature.partition("(")[0] for call in made]
    create = dict(read[0]["args"])
    params = configuration().params(NOW)
    assert create["pot"] == str(params.pot)
    assert create["windows.challenge"] == str(params.windows.challenge)
    assert create["descriptionDigest"] == "0x" + CONTENT.description_digest.hex()
    approve = dict(read[2]["args"])
    assert approve == {"spender": to_checksum_address(MARKET), "amount": "1000000"}
    claim = next(dict(one["args"]) for one in read if one["name"] == "claim")
    assert (claim["account.reputation"], claim["account.pay"]) == ("-5", str(10**16))
    assert claim["proof"] == " ".join("0x" + word.hex() for word in PROOF.proof)


def test_decoder_of_the_browser__refuses_what_does_not_add_up() -> None:
    (fund,) = calls.fund_calls(MARKET, 7, NATIVE, 10**18)
    good = asdict(fund)
    bad = [
        {**good, "signature": "drain(uint256,uint96)"},
        {**good, "signature": "stop(uint256)"},
        {**good, "data": good["data"][:-2]},
        {**good, "data": good["data"] + "00" * 32},
        {**good, "data": "0x12345678" + good["data"][10:]},
        {**good, "data": good["data"][:74] + "f" * 64},
        {**good, "signature": "fund(address,uint96)"},
    ]
    claim = asdict(calls.seat_call(MARKET, "claim", 7, 3, 5, PROOF))
    offset, length = 10 + 64 * 9, 10 + 64 * 10
    bad += [
        {**claim, "data": claim["data"][:-64]},
        {**claim, "data": claim["data"] + "00" * 32},
        {**claim, "data": claim["data"][:offset] + f"{0:064x}" + claim["data"][offset + 64 :]},
        {**claim, "data": claim["data"][:length] + "f" * 64 + claim["data"][length + 64 :]},
        {**claim, "data": claim["data"][: 10 + 64 * 3] + f"{1 << 63:064x}" + claim["data"][10 + 64 * 4 :]},
    ]

    assert all("error" in one for one in in_browser_code(bad))


def test_plans_over_the_site__name_chain_market_and_code(site: Client) -> None:
    plan = site.post("/api/calls/fund", json={"project": 1, "amount": "5"}).json()

    assert (plan["ok"], plan["chain_id"], plan["market"]) == (True, 31337, MARKET)
    assert plan["steps"][0]["value"] == "5"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("fund", {"project": 1, "amount": "0"}),
        ("fund", {"project": 1, "amount": "-1"}),
        ("fund", {"project": 1, "amount": "1.5"}),
        ("fund", {"project": 1, "amount": 5}),
        ("fund", {"project": 0, "amount": "5"}),
        ("fund", {"project": 1, "amount": str(1 << 96)}),
        ("fund", {"project": 1, "amount": "5", "extra": 1}),
        ("withdraw", {"to": "0x12"}),
        ("withdraw", {"to": "0x" + "zz" * 20}),
        ("owner/transfer", {"project": 1}),
        ("chore/finalise", {"project": 1}),
        ("chore/evict", {"project": 1, "round": 1}),
        ("seat/evict", {"project": 1, "seat": -1}),
        ("seat/evict", {"project": 1, "seat": 1024}),
        ("seat/register", {"project": 1, "seat": 1}),
        ("claimFlat", {"project": 1, "seat": 1}),
        ("ask/answer", {"ask": 1}),
        ("ask/settleAsk", {"ask": 0}),
        ("create", {"configuration": "{}"}),
        ("create", {"configuration": "[" * 50_000}),
    ],
)
def test_plan_of_a_bad_order__refuses(site: Client, path: str, body: dict[str, Any]) -> None:
    answer = site.post(f"/api/calls/{path}", json=body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["ok"] is False


@pytest.mark.parametrize("name", ["claim", "leave", "evict"])
def test_seat_call_over_the_site__carries_account_and_proof(site: Client, name: str) -> None:
    (step,) = site.post(f"/api/calls/seat/{name}", json={"project": 1, "seat": 3}).json()["steps"]

    assert f"{10**16:064x}" in step["data"]
    assert step["data"].endswith(f"{4:064x}" + "01" * 128)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("seat/claim", {"project": 1, "seat": 11}),
        ("seat/leave", {"project": 9, "seat": 0}),
        ("claimFlat", {"project": 1, "round": 6, "seat": 3}),
        ("claimFlat", {"project": 1, "round": 99, "seat": 3}),
    ],
)
def test_call_without_an_account_or_share__404(site: Client, path: str, body: dict[str, int]) -> None:
    assert site.post(f"/api/calls/{path}", json=body).status_code == 404


def test_fund_of_an_unknown_project__404(site: Client) -> None:
    assert site.post("/api/calls/fund", json={"project": 99, "amount": "5"}).status_code == 404


@pytest.mark.parametrize(("amount", "status"), [((1 << 96) - 1, 200), (1 << 96, 422)])
def test_fund_at_the_contracts_limit__refuses_one_more(site: Client, amount: int, status: int) -> None:
    assert site.post("/api/calls/fund", json={"project": 1, "amount": str(amount)}).status_code == status


def test_create_over_the_site__publishes_what_it_names(open_site: Open) -> None:
    site = open_site()
    text = configuration().to_bytes().decode()
    plan = site.post("/api/calls/create", json={"configuration": text}).json()

    store = site.app._settings.store.removeprefix("folder:")  # type: ignore[attr-defined]
    assert plan["configuration_hash"] == configuration().hash
    assert set(plan["files"]) == {"description", "first model"}
    assert plan["document"] == configuration().description.to_bytes().decode()
    assert Path(store).is_dir()
    assert Content(*_digests(plan)).description_digest.hex() in plan["steps"][0]["data"]


def _digests(plan: dict[str, Any]) -> list[bytes]:
    data = bytes.fromhex(plan["steps"][0]["data"][2:])
    return [data[-96:-64], data[-64:-32], data[-32:]]


def test_create_where_the_site_publishes_nothing__refuses(open_site: Open) -> None:
    site = open_site(publish=False)
    answer = site.post("/api/calls/create", json={"configuration": configuration().to_bytes().decode()})

    assert (answer.status_code, answer.json()["code"]) == (422, "E107")


def test_create_of_a_model_too_large_for_the_page__refuses(open_site: Open) -> None:
    site = open_site(max_coefficients=100)

    answer = site.post("/api/calls/create", json={"configuration": configuration().to_bytes().decode()})

    assert "command line" in answer.json()["error"]


def test_errors_for_wallets__every_error_of_the_contract(site: Client) -> None:
    named = site.get("/api/errors").json()

    assert "MarketNotOwner(caller, owner)" in named.values()
    assert len(named) == len(load_artifact("Market").interface.errors)
