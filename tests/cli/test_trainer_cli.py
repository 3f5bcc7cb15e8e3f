"""`fairtrain trainer` from a new key to the stake taken back: what it sends, prints and refuses."""

from __future__ import annotations

import io
import json
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from market.admission import admission_root
from market.cid import digest
from market.claims import Place
from market.description import parse
from market.devnet import dev_account
from market.phases import Phase
from market.project_files import only_one, project_folder
from tests.cli.role_world import AGGREGATOR, DATA, FIRST_TRAINER, FLOWERS, Daemons, Roles, data_of

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


# ----- join -----


def test_join__first_free_seat_and_the_least_stake(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", "--seat", 0, key=TRAINER + 1)

    said = roles("trainer", "join", project, "--yes", key=TRAINER)

    assert said.body["seat"] == 1
    seat = roles.owner.seat(project, 1)
    assert (seat.signer, seat.payout, seat.stake) == (ME, ME, 3 * 10**18 // 2)


def test_join_with_wishes__payout_and_stake_as_asked(roles: Roles) -> None:
    project, payout = roles.create(), dev_account(30).address

    said = roles(
        "trainer", "join", project, "--yes", "--seat", 2, "--payout", payout, "--stake", "2.5", key=TRAINER
    )

    assert said.code == 0
    seat = roles.owner.seat(project, 2)
    assert (seat.payout, seat.stake) == (payout, 25 * 10**17)


def test_join_twice__same_seat_and_no_second_stake(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", key=TRAINER)
    before = roles.balance(TRAINER)

    said = roles("trainer", "join", project, "--yes", key=TRAINER)

    assert (said.code, said.body["seat"], roles.balance(TRAINER)) == (0, 0, before)


def test_join_not_confirmed__sends_nothing(roles: Roles, monkeypatch: pytest.MonkeyPatch) -> None:
    project = roles.create()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    said = roles("trainer", "join", project, key=TRAINER, as_json=False)

    assert said.code == 130
    assert "E106" in said.err
    assert roles.seats_taken(project) == 0


def test_join_all_seats_taken__refused_e115(roles: Roles) -> None:
    project = roles.create()
    for number in range(3):
        assert roles("trainer", "join", project, "--yes", key=TRAINER + 1 + number).code == 0

    said = roles("trainer", "join", project, "--yes", key=TRAINER)

    assert (said.code, said.error["code"]) == (2, "E115")


def test_join_seat_of_somebody_else__refused_by_the_contract(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", "--seat", 1, key=TRAINER + 1)

    said = roles("trainer", "join", project, "--yes", "--seat", 1, key=TRAINER)

    assert said.code == 6
    assert said.error["code"].startswith("MarketSeat")


@pytest.mark.parametrize(("stake", "code"), [("1499999999999999999wei", 6), ("1500000000000000000wei", 0)])
def test_join_around_the_least_stake(roles: Roles, stake: str, code: int) -> None:
    assert roles("trainer", "join", roles.create(), "--yes", "--stake", stake, key=TRAINER).code == code


def test_join_wrong_payout__refused_e101_before_the_stake(roles: Roles) -> None:
    project = roles.create()

    said = roles("trainer", "join", project, "--yes", "--payout", "me", key=TRAINER)

    assert (said.code, said.error["code"], roles.seats_taken(project)) == (2, "E101", 0)


# ----- admission -----

ADMITTED = [dev_account(TRAINER + number).address for number in range(3)]


def listed(path: Path, addresses: list[str]) -> Path:
    path.write_text("".join(f"{number},{text}  # from the owner\n" for number, text in enumerate(addresses)))
    return path


def test_join_by_list__admitted(roles: Roles) -> None:
    project = roles.create(admission_root=admission_root(ADMITTED))
    file = listed(roles.home / "list.csv", ADMITTED)

    said = roles("trainer", "join", project, "--yes", "--admission", file, key=TRAINER + 2)

    assert (said.code, said.body["seat"]) == (0, 0)


@pytest.mark.parametrize(
    ("addresses", "code"),
    [
        (None, "E116"),
        (ADMITTED[:2], "E117"),
        ([], "E117"),
        (ADMITTED, "E118"),
    ],
)
def test_join_by_list_not_admitted__refused(roles: Roles, addresses: list[str] | None, code: str) -> None:
    project = roles.create(admission_root=admission_root(ADMITTED))
    words = [] if addresses is None else ["--admission", listed(roles.home / "list.csv", addresses)]

    said = roles("trainer", "join", project, "--yes", *words, key=TRAINER + 9)

    assert (said.code, said.error["code"], roles.seats_taken(project)) == (2, code, 0)


def test_join_by_list_that_is_no_text__refused_e117(roles: Roles) -> None:
    file = roles.home / "list.bin"
    file.write_bytes(b"\xff\xfe\x00")

    said = roles(
        "trainer",
        *("join", roles.create(admission_root=admission_root(ADMITTED)), "--yes", "--admission", file),
        key=TRAINER,
    )

    assert said.error["code"] == "E117"


# ----- run: what is refused before the stake is sent -----


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (None, "E128"),
        ("nowhere.csv", "E125"),
        ("sklearn:iris?part=4&parts=4", "E125"),
        ("sklearn:digits", "E126"),
    ],
)
def test_run_join_bad_data__refused_before_any_stake_is_sent(
    roles: Roles, data: str | None, code: str
) -> None:
    project, before = roles.create(), roles.balance(TRAINER)
    words = [] if data is None else ["--data", data]

    said = roles("trainer", "run", project, "--join", "--yes", *words, key=TRAINER)

    assert (said.code, said.error["code"]) == (2, code)
    assert (roles.seats_taken(project), roles.balance(TRAINER)) == (0, before)


def test_run_without_seat__refused_e127(roles: Roles) -> None:
    said = roles("trainer", "run", roles.create(), "--data", DATA, key=TRAINER)

    assert (said.code, said.error["code"]) == (2, "E127")


def test_run_second_process_on_one_seat__refused_e129(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", key=TRAINER)
    place = Place(roles.deployment.chain_id, roles.deployment.market)
    folder = project_folder(roles.home, place, project, f"trainer-{ME}")

    with only_one(folder, "this test"):
        said = roles("trainer", "run", project, "--data", DATA, key=TRAINER)

    assert (said.code, said.error["code"]) == (2, "E129")
    assert "runs already" in said.error["error"]


def test_run_description_that_nobody_serves__refused_e143(roles: Roles) -> None:
    project = roles.create()
    for path in (roles.home / "store" / "objects").rglob("baf*"):
        path.unlink()

    said = roles("trainer", "run", project, "--join", "--yes", "--data", DATA, key=TRAINER)

    assert (said.code, said.error["code"], roles.seats_taken(project)) == (3, "E143", 0)


# ----- status, claim, leave -----


@pytest.mark.parametrize("command", ["status", "claim", "leave"])
def test_commands_without_a_seat__refused_e127(roles: Roles, command: str) -> None:
    said = roles("trainer", command, roles.create(), key=TRAINER)

    assert (said.code, said.error["code"]) == (2, "E127")
    assert "fairtrain trainer join" in said.error["error"]


def test_status_of_a_new_seat__one_document(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", key=TRAINER)

    said = roles("trainer", "status", project, key=TRAINER)

    assert said.body == {
        **{"ok": True, "seat": 0, "address": ME, "payout": ME, "stake_wei": str(3 * 10**18 // 2)},
        **{"pay_wei": "0", "open_wei": "0", "reputation": 8192, "penalty_wei": "0"},
    }


def test_claim_before_any_round_is_final__refused_by_the_contract(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", key=TRAINER)

    assert roles("trainer", "claim", project, key=TRAINER).code == 6


def test_stake__adds_to_the_seat(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", key=TRAINER)
    before = roles.owner.seat(project, 0).stake

    said = roles("trainer", "stake", project, "0.25", key=TRAINER)

    assert (said.code, said.body["stake_wei"]) == (0, str(before + 10**18 // 4))
    assert roles.owner.seat(project, 0).stake == before + 10**18 // 4


@pytest.mark.parametrize(("added", "code"), [("0", "E108"), ("much", "E100"), ("0.5.5", "E100")])
def test_stake_bad_amount__refused(roles: Roles, added: str, code: str) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", key=TRAINER)

    said = roles("trainer", "stake", project, added, key=TRAINER)

    assert (said.code, said.error["code"]) == (2, code)


def test_evict_of_a_new_seat__refused_and_the_seat_stays(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", key=TRAINER)

    said = roles("project", "evict", project, 0, key=AGGREGATOR)

    assert said.code == 6, said.error
    assert "16 opened rounds" in said.error["error"]
    assert roles.owner.seat(project, 0).signer == ME


def test_leave_before_any_round__stake_comes_back(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", key=TRAINER)

    said = roles("trainer", "leave", project, key=TRAINER)

    stake = str(3 * 10**18 // 2)
    assert said.body == {"ok": True, "pay_wei": "0", "stake_wei": stake, "penalty_wei": "0"}
    assert roles("trainer", "leave", project, key=TRAINER).error["code"] == "E127"


# ----- a whole project -----


def settle(roles: Roles, daemons: Daemons, project: int) -> None:
    """Moves the clock over challenge windows, stops after round 1, until everybody has ended."""
    deadline = time.monotonic() + 60
    stopped = False
    while not all(code.done() for code in daemons.codes.values()):
        assert not daemons.failed()
        assert time.monotonic() < deadline, roles.owner.project(project)
        if not stopped and roles.owner.project(project).head:
            roles.owner.send("stop", project)
            stopped = True
        if roles.owner.phase(project, 1) is Phase.STANDING:
            roles.chain.advance(71)
        time.sleep(0.1)
    assert not daemons.failed()


def test_whole_project__all_end_by_themselves_and_every_command_has_its_document(roles: Roles) -> None:
    project, daemons = roles.create(), Daemons(roles)
    pace = ("--poll", 0.1, "--chores", 0)
    daemons.start("aggregator", "aggregator", "run", project, "--devnet-key", AGGREGATOR, "--unbond", *pace)
    for seat in range(3):
        key = TRAINER + seat
        words = ("--join", "--yes", "--seat", seat, "--data", data_of(seat), "--device", "cpu")
        leave = ("--leave",) if seat else ()
        daemons.start(
            f"trainer {seat}", "trainer", "run", project, "--devnet-key", key, *words, *leave, *pace
        )
    daemons.wait_for(lambda: roles.seats_taken(project) == 3)
    roles.fund(project, 1)

    settle(roles, daemons, project)

    params, _ = roles.owner.params(project)
    credits = [roles.owner.credit(params.token, dev_account(TRAINER + seat).address) for seat in range(3)]
    assert credits[0] > 0
    assert min(credits[1:]) > params.min_stake
    assert roles.owner.aggregator(project, dev_account(AGGREGATOR).address).bond == 0
    verified = roles("aggregator", "verify", project, 1)
    assert (verified.code, verified.body["equal"]) == (0, True)
    status = roles("trainer", "status", project, key=TRAINER)
    assert (status.body["open_wei"], status.body["pay_wei"]) == ("0", str(credits[0]))
    assert roles("trainer", "claim", project, key=TRAINER).code == 6
    left = roles("trainer", "leave", project, key=TRAINER)
    assert (left.body["pay_wei"], left.body["stake_wei"]) == ("0", str(params.min_stake))


def test_run_with_first_model_from_nowhere__ends_with_e186_before_sealing(roles: Roles) -> None:
    flowers = {key: value for key, value in FLOWERS.items() if key != "initialiser"}
    seeded, bare = parse(json.dumps(FLOWERS).encode()), parse(json.dumps(flowers).encode())
    content = replace(roles.publish(seeded), description_digest=digest(roles.store.put(bare.to_bytes())))
    project = roles.create(description=bare, content=content)
    roles("trainer", "join", project, "--yes", "--seat", 1, key=TRAINER + 1)
    roles("trainer", "join", project, "--yes", "--seat", 0, key=TRAINER)
    roles.fund(project, 1)
    roles.owner.send("open", project)

    said = roles("trainer", "run", project, "--data", DATA, "--poll", 0.1, key=TRAINER)

    assert (said.code, said.error["code"]) == (2, "E186")
    assert "--trust-model" in said.error["error"]
    assert roles.owner.round(project, 1).seal_count == 0
