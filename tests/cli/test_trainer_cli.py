"""`fairtrain trainer` in a seat: status, pay, departure, and a whole project."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from market.cid import digest
from market.description import parse
from market.devnet import dev_account
from market.phases import Phase
from tests.cli.role_world import AGGREGATOR, DATA, FIRST_TRAINER, FLOWERS, Daemons, Roles, data_of

pytestmark = pytest.mark.chain
TRAINER = FIRST_TRAINER
ME = dev_account(TRAINER).address


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
        **{"pay_wei": "0", "open_wei": "0", "reputation": 8192, "penalty_wei": "0", "reference": None},
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
