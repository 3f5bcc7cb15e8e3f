"""Facts that no chain made: every state a page can be in, for `/patterns`, screenshots and tests of templates."""

from __future__ import annotations

from dataclasses import replace

from market.index import views as v
from market.params import DEMO, ETHER, Content, Params
from market.phases import Phase
from market.records import ProjectView, ResultView, RoundView, SeatView
from market.tokens import TokenFacts
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


TOKEN = TokenFacts(who(170), "USDC", 6)


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
        flat_taken=False,
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
        update.pay or 0,
        number == 10,
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


ACCURACIES = (412_300, 571_000, 688_200, 745_100, 781_900, 803_400)
NOTHING = dict.fromkeys(("funded", "stakes_in", "bonds_in", "pay", "fees", "escrow", "reserved", "bucket"), 0)


def project_page(
    state: str = "running", phase: Phase = Phase.REVEAL, rounds: int = 7, title: str = TITLE
) -> v.ProjectPage:
    """A project in the middle of its life; with 0 rounds at its beginning."""
    books = money() if rounds else money(**NOTHING, stakes=0, bonds=0)
    lines = [round_row(rounds, phase, 11, 6)] if rounds else []
    lines += [
        round_row(n, Phase.STANDING if n > rounds - 3 else Phase.FINAL) for n in range(rounds - 1, 0, -1)
    ]
    measured = enumerate(ACCURACIES[: max(0, rounds - 1)], 1)
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
        token=TokenFacts(),
        content=CONTENT,
        view=_project_view(state, rounds, books),
        head=lines[0] if lines else None,
        rounds=lines,
        seats=[seat_row(n) for n in range(11)] if rounds else [],
        aggregators=[v.AggregatorRow(who(100), ETHER * 6 // 10, ETHER * 3 // 10, False, 6)] if rounds else [],
        money=books,
        measurements=[v.Measurement(1, n, ppm, 200, NOW - 50) for n, ppm in measured],
        due=[v.Due("finalise", 4, None)] if rounds else [],
    )


def in_token(page: v.ProjectPage) -> v.ProjectPage:
    """The same project paid in a token of six decimals: pots are large numbers of it."""
    return replace(page, token=TOKEN, params=replace(page.params, token=address(TOKEN.address)))


def _project_view(state: str, rounds: int, books: v.Money) -> ProjectView:
    return ProjectView(
        owner=who(99),
        stopped=state != "running",
        refunded=state == "refunded",
        head=rounds,
        tip=max(rounds - 1, 0),
        last_result=max(rounds - 1, 0),
        last_final=max(rounds - 3, 0),
        terminal_up_to=max(rounds - 3, 0),
        open_count=3 if rounds else 0,
        active_next=11 if rounds else 0,
        cleared_at=0,
        last_event_at=NOW - 30,
        escrow=books.escrow,
        bucket=books.bucket,
        penalty_pool=0,
        misses_owed=0,
    )


def project_row(number: int, phase: Phase, title: str = TITLE, state: str = "running") -> v.ProjectRow:
    """A project in the list."""
    row = round_row(7, phase)
    head = 0 if phase is Phase.NONE else 7
    return v.ProjectRow(
        number, who(99), title, state, TokenFacts(), NOW - 100_000, tx(1), head, phase, row.ends_at if head else None,
        11 if head else 0, 6 if head else 0, 11 if head else 3, 12, 4, PARAMS.pot, ETHER * 122 // 100, 4,
    )  # fmt: skip


def result_row(number: int = 6, state: v.ResultState = v.ResultState.STANDING) -> v.ResultRow:
    """A post."""
    return v.ResultRow(
        1, number, 1, who(100), tx(70), state, NOW - 100, tx(71), NOW - 100, NOW + 6 * 86_400 + 4_000, None, "", True,
        tuple(range(10)), 10, 5, 94 * ETHER // 1_000, tx(72), tx(73), CID, tx(74), CID, tx(75), CID,
        v.Document.CHECKED, "", 10**9,
    )  # fmt: skip


def round_page(phase: Phase = Phase.STANDING) -> v.RoundPage:
    """A judged round."""
    events = [v.TimelineRow("ResultPosted", True, 1, 6, None, 18_190, 3, NOW - 100, tx(71), {"round": 6})]
    return v.RoundPage(
        1,
        PARAMS,
        TokenFacts(),
        NOW,
        round_row(6, phase),
        [update_row(n, 6) for n in range(11)],
        [result_row()],
        [ask_row()],
        events,
        reference_row(phase),
    )


def reference_row(phase: Phase = Phase.STANDING) -> v.ReferenceRow:
    """The owner's reference, revealed where the round is that far."""
    shown = phase not in (Phase.NONE, Phase.COMMIT)
    return v.ReferenceRow(
        key=who(98),
        sealed_at=NOW - 400,
        seal="0x" + "00" * 5 + "5e" * 27,
        seal_tx=tx(80),
        revealed_at=NOW - 300 if shown else None,
        reveal_tx=tx(81) if shown else "",
        root=tx(82) if shown else "",
        salt=tx(83) if shown else "",
        cid=CID if shown else "",
        included=True if phase in (Phase.PROPOSED, Phase.STANDING, Phase.FINAL) else None,
    )


def trainer_page(seat: int = 3) -> v.TrainerPage:
    """A trainer with a history."""
    rows = [update_row(seat, number, Phase.FINAL) for number in range(7, 0, -1)]
    tenure = v.TenureRow(
        1,
        seat,
        0,
        who(seat),
        who(seat + 50),
        NOW - 90_000,
        tx(3),
        None,
        "",
        False,
        TokenFacts(),
        4 * 10**15,
        False,
    )
    return v.TrainerPage(
        who(seat),
        NOW,
        [tenure],
        v.Page(rows, 7, 0, 50),
        [(TokenFacts(), 12_345 * 10**12)],
        [v.CreditRow(who(seat + 50), TokenFacts(), 10**16)],
    )


def conviction() -> v.ConvictionRow:
    """A liar found."""
    third = ETHER // 5
    return v.ConvictionRow(
        1, 5, "gram entry 3, 7", who(101), who(150), third, third, third, NOW - 5_000, tx(90), TokenFacts()
    )


def ask_row() -> v.AskRow:
    """A question that waits for its answer."""
    return v.AskRow(
        3, 1, 6, 1, "open", who(150), "", "sketches", 2, 0, 17, 16_384, 10**15, NOW + 70, NOW - 20, tx(91), None, "",
    )  # fmt: skip


def model_rows() -> list[v.ModelRow]:
    """Models of three rounds and the first."""
    rows = [
        v.ModelRow(1, n, Phase.STANDING if n > 4 else Phase.FINAL, tx(n), CID, 8_192, True, n != 5)
        for n in (6, 5, 4)
    ]
    return [*rows, v.ModelRow(1, 0, Phase.NONE, tx(0), CID, 8_192, True, True)]
