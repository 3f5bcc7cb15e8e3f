"""The loop of a daemon on a real chain: it ends when done or told to, retries what mends, raises what does not."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from market import node as loop
from market.duties import Duty, Kind
from market.errors import ChainError, InputError, StoreError, UnavailableError, VerificationError
from market.events import ProjectCreated
from market.node import Node, Pace, Turn, moments
from market.params import MINIMAL, Content
from market.snapshot import ProjectSnapshot
from tests.fixtures_chain import MakeGateway

pytestmark = pytest.mark.chain
CONTENT = Content(b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)
PACE = Pace(poll_s=0.01, chores_s=0.0)


class Worker(Node):
    """Does `work` at every turn, and is finished after `turns` of them."""

    def __init__(
        self, make: MakeGateway, turns: int, work: Callable[[], bool] = lambda: False, pace: Pace = PACE
    ) -> None:
        owner = make(0)
        params = MINIMAL.project(owner.now(), 100)
        events = owner.send("create", params, CONTENT).events
        project = next(event.project for event in events if isinstance(event, ProjectCreated))
        super().__init__(owner, project, owner.signer.address, pace)  # type: ignore[union-attr]
        self.left, self.work = turns, work

    def act(self, snapshot: ProjectSnapshot) -> bool:
        self.left -= 1
        return self.work()

    def finished(self, snapshot: ProjectSnapshot) -> bool:
        return self.left <= 0


def test_run__ends_when_finished(make_gateway: MakeGateway) -> None:
    worker = Worker(make_gateway, 2)

    assert worker.run()
    assert worker.left == 0


def test_run_told_to_stop__ends_unfinished(make_gateway: MakeGateway) -> None:
    worker = Worker(make_gateway, 10**9)
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(worker.run()))

    thread.start()
    worker._stop.set()
    thread.join(10)

    assert ended == [False]


@pytest.mark.parametrize(
    "error", [UnavailableError(["away"]), StoreError("E144", "bad"), ChainError("E206", "away")]
)
def test_run_store_or_node_away__tries_again(
    make_gateway: MakeGateway, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    failures = [error, error]

    def work() -> bool:
        if failures:
            raise failures.pop()
        return False

    worker = Worker(make_gateway, 3, work)

    assert worker.run()
    assert caplog.text.count("trying again") == 2


def test_run_away_for_too_long__raises_for_the_supervisor(
    make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "GIVE_UP_SECONDS", 0.05)

    def away() -> bool:
        raise UnavailableError(["away"])

    with pytest.raises(UnavailableError):
        Worker(make_gateway, 10**9, away).run()


@pytest.mark.parametrize(
    "error", [InputError("E126", "bad data"), VerificationError("paid", 1, 2), KeyError("bug")]
)
def test_run_what_retrying_does_not_mend__raised_at_once(make_gateway: MakeGateway, error: Exception) -> None:
    def fail() -> bool:
        raise error

    worker = Worker(make_gateway, 10**9, fail)

    with pytest.raises(type(error)):
        worker.run()
    assert worker.left == 10**9 - 1


def test_turn__acted_before_finished_before_idle(make_gateway: MakeGateway) -> None:
    worker = Worker(make_gateway, 2, lambda: False)

    assert worker.turn(worker.snapshot()) is Turn.IDLE
    assert worker.turn(worker.snapshot()) is Turn.FINISHED
    worker.work = lambda: True
    assert worker.turn(worker.snapshot()) is Turn.ACTED


def test_send_refused_by_the_contract__logged_not_raised(
    make_gateway: MakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(make_gateway, 1)
    caplog.set_level("INFO")

    assert not worker.send("finalise", worker.project, 1, intent="finalise/1/1")
    assert "finalise was refused: Market" in caplog.text


def test_send_same_intent_twice__is_one_transaction(make_gateway: MakeGateway) -> None:
    worker = Worker(make_gateway, 1)
    assert worker.send("stop", worker.project, intent="stop/1/0")
    blocks = worker.gateway.block_number()

    assert worker.send("stop", worker.project, intent="stop/1/0")
    assert worker.gateway.block_number() == blocks


def test_warn_twice__said_once(make_gateway: MakeGateway, caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker(make_gateway, 1)

    for reason in ("late", "late", "later"):
        worker.warn(Duty(Kind.WARN, 3, reason))

    assert caplog.messages == ["round 3: late", "round 3: later"]


def test_moments_of_a_new_project__none(make_gateway: MakeGateway) -> None:
    assert not list(moments(Worker(make_gateway, 1).snapshot()))


def test_chores__left_to_others_for_a_while(make_gateway: MakeGateway) -> None:
    patient = Worker(make_gateway, 10, pace=Pace(poll_s=0.01, chores_s=3_600.0))
    hasty = Worker(make_gateway, 10)
    for worker in (patient, hasty):
        gateway, project = worker.gateway, worker.project
        params, _ = gateway.params(project)
        gateway.send("fund", project, params.pot, value=params.pot)
        for seat in range(2):
            holder = make_gateway(10 + seat)
            stake = params.min_stake
            holder.send("register", project, seat, worker.me, stake, [], value=stake)

    assert patient.turn(patient.snapshot()) is Turn.IDLE
    assert hasty.turn(hasty.snapshot()) is Turn.ACTED
    assert [worker.gateway.project(worker.project).head for worker in (patient, hasty)] == [0, 1]


def test_snapshot_taken_while_a_round_is_settled__what_is_owed_is_not_older(
    make_gateway: MakeGateway,
) -> None:
    """Read before the getters, pay of a round that became FINAL meanwhile would be missed, and the daemon end."""
    worker = Worker(make_gateway, 1)
    read: list[str] = []
    gateway_project, worker_earned = worker.gateway.project, 7

    def project(number: int) -> object:
        read.append("project")
        return gateway_project(number)

    def earned() -> int:
        read.append("earned")
        return worker_earned

    worker.gateway.project = project  # type: ignore[method-assign, assignment]
    worker.earned = earned  # type: ignore[method-assign]

    assert worker.snapshot().earned == 7
    assert read[-1] == "earned"
    assert read.count("earned") == 1
