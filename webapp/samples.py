"""Facts that no chain made: every state a page can be in, for `/patterns`, screenshots and tests of templates."""

from __future__ import annotations

from dataclasses import replace

from market.index import views as v
from market.params import DEMO, ETHER, Content, Params
from market.phases import Phase
from market.records import ProjectView, ResultView, RoundView, SeatView
from market.units import Address, address

NOW = 1_800_000_000
TITLE = "Tumour grades from twelve lab values"
HOSTILE = '<script>alert(1)</script> "><img src=x onerror=alert(1)> \u202egnp.exe \u200b p\u0430ypal'
PARAMS: Params = DEMO.project(NOW, 1_674, pot=ETHER // 10, seats=12, min_seals=4, open_rounds=4)
CONTENT = Content(b"\x11" * 32, b"\x22" * 32, b"\x33" * 32)
CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
DESCRIPTION: dict[str, object] = {
    "version": 1,
    "name": "tumours",
    "title": TITLE,
    "model": {"kind": "mlp", "hidden": [32, 32]},
    "data": {"shape": [12], "labels": ["benign", "malignant"], "subtract": "0", "divide_by": "1"},
    "initialiser": {"seed": 7},
    "lsb_exponent": 15,
    "training": {
        "optimizer": "sgd",
        "learning_rate": "0.1",
        "momentum": "0",
        "batch_size": 16,
        "local_steps": 10,
        "step_bound": "8",
    },
}


def who(number: int) -> Address:
    """A made-up address."""
    return address("0x" + f"{number + 1:02x}" * 20)


def tx(number: int) -> str:
    """A made-up transaction hash."""
    return "0x" + f"{number % 256:02x}" * 32


def health(**changes: object) -> v.Health:
    """A fresh index."""
    fresh = v.Health(
        chain_id=31337,
        market=who(200),
        block=18_204,
        block_hash=tx(9),
        block_time=NOW - 3,
        head=18_204,
        lag_blocks=0,
        lag_s=2,
        now=NOW,
        state="following",
        problem="",
        stale=False,
        unknown_events=0,
        pending_documents=0,
    )
    return replace(fresh, **changes)  # type: ignore[arg-type]


def result_view(number: int, stands_at: int = NOW - 20) -> ResultView:
    """A complete result."""
    return ResultView(
        b"\x44" * 32, b"\x55" * 32, who(100), stands_at, 10, 5, 94 * ETHER // 1_000, number - 1, True
    )


def round_row(number: int, phase: Phase, seals: int = 11, reveals: int = 10) -> v.RoundRow:
    """A round in a phase, with times that fit."""
    times = {
        Phase.COMMIT: (NOW + 47, NOW + 107),
        Phase.REVEAL: (NOW - 13, NOW + 47),
    }.get(phase, (NOW - 600, NOW - 540))
    ends = {
        Phase.COMMIT: NOW + 47,
        Phase.REVEAL: NOW + 47,
        Phase.AGGREGATE: NOW + 3_725,
        Phase.PROPOSED: NOW + 18,
        Phase.STANDING: NOW + 6 * 86_400 + 4_000,
    }.get(phase)
    judged = phase in (Phase.PROPOSED, Phase.STANDING, Phase.FINAL)
    result = result_view(number) if judged else ResultView()
    view = RoundView(
        phase, times[0], times[1], seals, reveals, max(0, 11 - seals), 5, ETHER // 10, 0, b"\x66" * 32, 0
    )
    return v.RoundRow(
        number=number,
        phase=phase,
        view=view,
        result=result,
        ends_at=ends,
        opened_at=NOW - 700,
        opened_tx=tx(number),
        fee=ETHER // 200 if phase is Phase.FINAL else 0,
        step_squared=(40_000 - 2_500 * min(number, 12)) ** 2 if judged else None,
        mean_agreement=5_000 + 400 * min(number, 12) if judged else None,
    )


PHASES = (
    (Phase.COMMIT, 3, 0),
    (Phase.COMMIT, 9, 0),
    (Phase.REVEAL, 11, 6),
    (Phase.AGGREGATE, 11, 10),
    (Phase.PROPOSED, 11, 10),
    (Phase.STANDING, 11, 11),
    (Phase.FINAL, 11, 11),
    (Phase.FLAT, 11, 10),
    (Phase.VOID, 2, 0),
    (Phase.VOID, 6, 0),
)
"""(phase, seals, reveals) worth looking at."""

VERDICTS = (
    "honest",
    "honest",
    "honest",
    "unreliable",
    "honest",
    "malicious",
    "left out",
    "honest",
    "honest",
    "honest",
)


def update_row(seat: int, number: int = 7, phase: Phase = Phase.STANDING) -> v.UpdateRow:
    """A seat in a judged round; seat 10 sealed and never revealed."""
    verdict = VERDICTS[seat] if seat < len(VERDICTS) else ""
    revealed, included = seat < len(VERDICTS), seat < len(VERDICTS) and verdict != "left out"
    pay = (9_400 - 300 * seat) * ETHER // 1_000_000 if verdict == "honest" else 0
    reasons = {
        "malicious": "pulled against the others in 4 rounds in a row",
        "unreliable": "does not agree with the others",
    }
    return v.UpdateRow(
        project=1,
        round=number,
        seat=seat,
        trainer=who(seat),
        tenure=0,
        sealed_at=NOW - 500,
        seal=tx(30 + seat),
        seal_tx=tx(40 + seat),
        revealed_at=NOW - 400 if revealed else None,
        reveal_tx=tx(60 + seat) if revealed else "",
        root=tx(80 + seat) if revealed else "",
        salt="",
        cid=CID if revealed else "",
        included=included if revealed else None,
        verdict=verdict,
        reason=reasons.get(verdict, "mostly explained by public files" if seat == 7 else ""),
        weight=(6_553 if verdict == "honest" else 900) if included else None,
        agreement=(9_000 - 500 * seat if verdict != "malicious" else -4_200) if included else None,
        novelty=(60_000 - 4_000 * seat if seat != 7 else 9_000) if included else None,
        score=1 if included else None,
        pay=pay if revealed and seat != 7 else 0 if revealed else None,
        penalty=PARAMS.unit if verdict == "malicious" else 0,
        account_reputation=9_800 - 420 * seat + 90 * number if revealed else None,
        account_pay=pay * number if revealed else None,
        account_penalty=0,
        flat_share=None,
        phase=phase,
        document=v.Document.CHECKED,
    )


def seat_row(number: int) -> v.SeatRow:
    """A held seat."""
    update = update_row(number)
    view = SeatView(
        who(number), who(number + 50), 3 * PARAMS.unit, 1, 7, 1, number == 10, 2 * (update.pay or 0), 0
    )
    return v.SeatRow(
        number,
        view,
        0,
        NOW - 90_000,
        update.account_reputation,
        update.account_pay,
        update.penalty,
        update.verdict,
    )


def money(**changes: int) -> v.Money:
    """Books that balance."""
    base = v.Money(
        funded=2 * ETHER,
        stakes_in=11 * 3 * PARAMS.unit,
        bonds_in=ETHER * 6 // 10,
        pay=ETHER * 21 // 100,
        flat_pay=0,
        fees=ETHER * 25 // 1_000,
        stakes_back=0,
        bonds_back=0,
        refuter_rewards=0,
        refunded=0,
        burned=0,
        other_credited=0,
        escrow=ETHER * 122 // 100 - 17,
        reserved=ETHER * 2 // 10,
        flat_open=0,
        bucket=ETHER * 345 // 1_000 + 17,
        penalty_pool=0,
        stakes=11 * 3 * PARAMS.unit,
        bonds=ETHER * 6 // 10,
        misses_owed=0,
    )
    return replace(base, **changes)


def project_page(
    state: str = "running", phase: Phase = Phase.REVEAL, rounds: int = 7, title: str = TITLE
) -> v.ProjectPage:
    """A project in the middle of its life."""
    lines = [round_row(rounds, phase, 11, 6)] if rounds else []
    lines += [
        round_row(n, Phase.STANDING if n > rounds - 3 else Phase.FINAL) for n in range(rounds - 1, 0, -1)
    ]
    view = ProjectView(
        who(99),
        state != "running",
        state == "refunded",
        rounds,
        rounds - 1,
        6,
        4,
        4,
        3,
        11,
        0,
        NOW - 30,
        0,
        0,
        0,
        0,
    )
    books = money()
    accuracy = (412_300, 571_000, 688_200, 745_100, 781_900, 803_400)
    return v.ProjectPage(
        number=1,
        now=NOW,
        state=state,
        title=title,
        description=DESCRIPTION if title else None,
        description_cid=CID,
        description_problem="" if title else "no store has served it yet",
        model_cid=CID,
        created_at=NOW - 100_000,
        created_tx=tx(1),
        params=PARAMS,
        content=CONTENT,
        view=replace(view, escrow=books.escrow, bucket=books.bucket),
        head=lines[0] if lines else None,
        rounds=lines,
        seats=[seat_row(n) for n in range(11)] if rounds else [],
        aggregators=[v.AggregatorRow(who(100), ETHER * 6 // 10, ETHER * 3 // 10, False, 6)] if rounds else [],
        money=books
        if rounds
        else money(
            funded=0,
            stakes_in=0,
            bonds_in=0,
            pay=0,
            fees=0,
            escrow=0,
            reserved=0,
            bucket=0,
            stakes=0,
            bonds=0,
        ),
        measurements=[
            v.Measurement(1, n, ppm, 200, NOW - 50) for n, ppm in enumerate(accuracy[: max(0, rounds - 1)], 1)
        ],
        due=[v.Due("finalise", 4)] if rounds else [],
    )


def project_row(number: int, phase: Phase, title: str = TITLE, state: str = "running") -> v.ProjectRow:
    """A project in the list."""
    row = round_row(7, phase)
    head = 0 if phase is Phase.NONE else 7
    return v.ProjectRow(
        number, who(99), title, state, PARAMS.token, NOW - 100_000, tx(1), head, phase, row.ends_at if head else None,
        11 if head else 0, 6 if head else 0, 11 if head else 3, 12, 4, PARAMS.pot, ETHER * 122 // 100, 4,
    )  # fmt: skip


def result_row(number: int = 6, state: v.ResultState = v.ResultState.STANDING) -> v.ResultRow:
    """A post."""
    return v.ResultRow(
        1, number, 1, who(100), tx(70), state, NOW - 100, tx(71), NOW - 100, NOW + 40 * number, None, "", True,
        tuple(range(10)), 10, 5, 94 * ETHER // 1_000, tx(72), tx(73), CID, tx(74), CID, tx(75), CID,
        v.Document.CHECKED, "", 10**9,
    )  # fmt: skip


def round_page(phase: Phase = Phase.STANDING) -> v.RoundPage:
    """A judged round."""
    events = [v.TimelineRow("ResultPosted", True, 1, 6, None, 18_190, 3, NOW - 100, tx(71), {"round": 6})]
    return v.RoundPage(
        1,
        PARAMS,
        NOW,
        round_row(6, phase),
        [update_row(n, 6) for n in range(11)],
        [result_row()],
        [ask_row()],
        events,
    )


def trainer_page(seat: int = 3) -> v.TrainerPage:
    """A trainer with a history."""
    rows = [update_row(seat, number, Phase.FINAL) for number in range(7, 0, -1)]
    tenure = v.TenureRow(1, seat, 0, who(seat), who(seat + 50), NOW - 90_000, tx(3), None, "", False)
    return v.TrainerPage(
        who(seat),
        NOW,
        [tenure],
        v.Page(rows, 7, 0, 50),
        {PARAMS.token: 12_345 * 10**12},
        [v.CreditRow(who(seat + 50), PARAMS.token, 10**16)],
    )


def conviction() -> v.ConvictionRow:
    """A liar found."""
    third = ETHER // 5
    return v.ConvictionRow(
        1, 5, "gram entry 3, 7", who(101), who(150), third, third, third, NOW - 5_000, tx(90)
    )


def ask_row() -> v.AskRow:
    """A question that waits for its answer."""
    return v.AskRow(
        3,
        1,
        6,
        1,
        "open",
        who(150),
        "",
        "sketches",
        2,
        0,
        17,
        16_384,
        10**15,
        NOW + 70,
        NOW - 20,
        tx(91),
        None,
        "",
    )


def model_rows() -> list[v.ModelRow]:
    """Models of three rounds and the first."""
    rows = [
        v.ModelRow(1, n, Phase.STANDING if n > 4 else Phase.FINAL, tx(n), CID, 8_192, True, n != 5)
        for n in (6, 5, 4)
    ]
    return [*rows, v.ModelRow(1, 0, Phase.NONE, tx(0), CID, 8_192, True, True)]


class SampleFacts:
    """An index that holds the samples: project 1 runs, 2 has a hostile title, 3 has no description and no round."""

    def __init__(self, **health_changes: object) -> None:
        self._health = health(**health_changes)

    def health(self) -> v.Health:
        """As made."""
        return self._health

    def version(self) -> str:
        """Never changes."""
        return "samples"

    def projects(self, offset: int = 0, limit: int = 20) -> v.Page[v.ProjectRow]:
        """One in each phase."""
        phases = list(Phase)
        rows = [project_row(1 + n, phase) for n, phase in enumerate(phases)]
        rows[1] = project_row(2, Phase.STANDING, HOSTILE)
        rows[2] = project_row(3, Phase.NONE, "")
        rows.append(project_row(len(phases) + 1, Phase.FINAL, "An older one", "refunded"))
        return v.Page(rows[offset : offset + limit], len(rows), offset, limit)

    def project(self, number: int, rounds: int = 20) -> v.ProjectPage | None:
        """Projects 1 to 3."""
        made = {
            1: lambda: project_page(),
            2: lambda: project_page(phase=Phase.COMMIT, title=HOSTILE),
            3: lambda: project_page(rounds=0, title=""),
        }
        return replace(made[number](), number=number) if number in made else None

    def round(self, project: int, number: int) -> v.RoundPage | None:
        """Rounds 1 to 7 of every project, all alike."""
        return round_page() if project in (1, 2) and 1 <= number <= 7 else None

    def trainer(self, address: str, offset: int = 0, limit: int = 50) -> v.TrainerPage | None:
        """Seats 0 to 10 of project 1."""
        seat = next((n for n in range(11) if who(n) == address), None)
        return None if seat is None else trainer_page(seat)

    def watch(self, offset: int = 0, limit: int = 50) -> v.WatchPage:
        """Two open windows and a conviction."""
        return v.WatchPage(
            NOW, [result_row(6), result_row(7)], [ask_row()], v.Page([conviction()], 1, offset, limit), []
        )

    def models(self, project: int, offset: int = 0, limit: int = 20) -> v.Page[v.ModelRow]:
        """Four models."""
        rows = model_rows()
        return v.Page(rows[offset : offset + limit], len(rows), offset, limit)


class EmptyFacts(SampleFacts):
    """An index before its first block."""

    def __init__(self) -> None:
        super().__init__(state="empty", block=0, block_hash="", block_time=0, head=0)

    def projects(self, offset: int = 0, limit: int = 20) -> v.Page[v.ProjectRow]:
        """None."""
        return v.Page([], 0, offset, limit)

    def project(self, number: int, rounds: int = 20) -> v.ProjectPage | None:
        """None."""
        return None

    def watch(self, offset: int = 0, limit: int = 50) -> v.WatchPage:
        """Nothing."""
        return v.WatchPage(NOW, [], [], v.Page([], 0, offset, limit), [])
