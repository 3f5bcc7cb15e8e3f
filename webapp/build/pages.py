"""Whole pages from the index's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt

from market.cli.project.terms import term_rows
from market.cli.project.values import Unit
from market.index import views as v
from market.params import Params
from market.phases import Phase
from webapp import lines
from webapp import models as m
from webapp.build import rows as r
from webapp.build.hero import WORDS, hero_of
from webapp.build.money import equation_of
from webapp.build.torch_code import torch_lines
from webapp.build.why import advise
from webapp.charts import Chart, Value, bar_chart, line_chart
from webapp.text import Coin, coin_of, percent_ppm, q14

TABLE_ROUNDS = 20
"""Rounds in the table of a project; its charts show all that were read."""
OVER = frozenset({"stopped", "over", "refunded"})


def projects_page(status: m.Status, page: v.Page[v.ProjectRow]) -> m.ProjectsPage:
    """The list of projects."""
    cards = [r.card_of(row) for row in page.items]
    return m.ProjectsPage(status, m.Listing(cards, page.total, page.offset, page.limit))


def project_detail(status: m.Status, page: v.ProjectPage, goal_ppm: int | None) -> m.ProjectDetail:
    """One project."""
    params, coin = page.params, coin_of(page.token)
    rounds = sorted(page.rounds, key=lambda row: row.number)
    reached = [one.round for one in page.measurements if goal_ppm and one.accuracy_ppm >= goal_ppm]
    opening = any(due.call == "open" for due in page.due)
    return m.ProjectDetail(
        status=status,
        number=page.number,
        title=page.title,
        state=page.state,
        owner=page.view.owner,
        coin=coin,
        created_at=page.created_at,
        created_tx=page.created_tx,
        description=page.description,
        description_cid=page.description_cid,
        description_problem=page.description_problem,
        hero=hero_of(page.head, params, page.state, opening),
        equation=equation_of(page.money, len(page.seats), page.state in OVER and page.view.open_count == 0),
        rounds_left=page.view.escrow // params.pot,
        accuracy=accuracy_chart(page.measurements, goal_ppm),
        agreement=agreement_chart(rounds),
        steps=step_chart(rounds, lsb_exponent(page.description)),
        pay=pay_chart(page.seats, coin),
        goal_ppm=goal_ppm,
        goal_reached=min(reached) if reached else None,
        rounds=[r.round_line(row) for row in page.rounds[:TABLE_ROUNDS]],
        rounds_total=page.view.head,
        seats=[r.seat_line(row) for row in page.seats],
        aggregators=[r.aggregator_line(row) for row in page.aggregators],
        terms=terms_of(params, coin, page.now),
        due=[r.due_call(due) for due in page.due],
        stopped=page.view.stopped,
        refundable_now=page.state in OVER and page.view.open_count == 0 and not page.view.refunded,
        escrow=page.view.escrow,
        pot=params.pot,
    )


def terms_of(params: Params, coin: Coin, now: int) -> list[m.Term]:
    """The frozen parameters, in the words of the command line."""
    unit = Unit(coin.token, coin.symbol, coin.decimals)
    return [
        m.Term(name, value, meaning)
        for name, value, meaning in term_rows(params, unit, now)
        if name != "ends"
    ] + [m.Term("ends", str(params.end_date), "no round opens from then on")]


def lsb_exponent(description: dict[str, object] | None) -> int | None:
    """e of 2^-e from a checked description."""
    found = (description or {}).get("lsb_exponent")
    return found if isinstance(found, int) else None


def accuracy_chart(measured: Sequence[v.Measurement], goal_ppm: int | None) -> Chart:
    """What the owner measured; nobody else can check it."""
    values = [
        Value(one.round, one.accuracy_ppm / 10_000, f"{percent_ppm(one.accuracy_ppm)} of {one.samples:,}")
        for one in sorted(measured, key=lambda one: one.round)
    ]
    return line_chart(
        "accuracy",
        "Accuracy as the owner measured it",
        "%",
        values,
        low=0.0,
        high=100.0,
        threshold=(goal_ppm / 10_000, f"goal {percent_ppm(goal_ppm)}") if goal_ppm else None,
        empty="The owner has not measured yet: `fairtrain project evaluate` does.",
        note="Measured by the owner on data of its own. No pay depends on it.",
    )


def agreement_chart(rounds: Sequence[v.RoundRow]) -> Chart:
    """Mean agreement of the included seats, by round."""
    values = [
        Value(row.number, row.mean_agreement / (1 << 14), q14(row.mean_agreement), WORDS[row.phase])
        for row in rounds
        if row.mean_agreement is not None
    ]
    return line_chart(
        "agreement",
        "Agreement of updates",
        "mean cosine with the others",
        values,
        low=0.0,
        high=max([0.5, *(value.y for value in values)]),
        empty="Shown once a result document is checked.",
    )


def step_chart(rounds: Sequence[v.RoundRow], exponent: int | None) -> Chart:
    """Length of the model's step, by round: falls when training converges."""
    scale = 1.0 if exponent is None else 2.0**-exponent
    values = [
        Value(
            row.number,
            isqrt(row.step_squared) * scale,
            f"{isqrt(row.step_squared) * scale:.4g}",
            WORDS[row.phase],
        )
        for row in rounds
        if row.step_squared is not None
    ]
    unit = "LSB" if exponent is None else "weights"
    return line_chart(
        "steps",
        "Length of the model's step",
        unit,
        values,
        low=0.0,
        empty="Shown once a delta is read and checked.",
    )


def pay_chart(seats: Sequence[v.SeatRow], coin: Coin) -> Chart:
    """Cumulative pay of the seats held now."""
    values = [
        Value(
            row.number,
            (row.earned or 0) / 10**coin.decimals,
            f"{coin.exact(row.earned or 0)} {coin.symbol}",
            _mark(row.verdict),
        )
        for row in seats
    ]
    return bar_chart("pay", "Pay by trainer", coin.symbol, values, empty="Nobody has earned anything yet.")


def round_detail(status: m.Status, page: v.RoundPage, state: str, head: int) -> m.RoundDetail:
    """One round."""
    coin, row = coin_of(page.token), page.row
    updates = [r.update_line(one, coin) for one in page.updates]
    bars = [
        Value(
            line.seat,
            (line.pay or 0) / 10**coin.decimals,
            f"{coin.exact(line.pay or 0)} {coin.symbol}",
            _mark(line.verdict),
        )
        for line in updates
        if line.pay is not None
    ]
    return m.RoundDetail(
        status=status,
        project=page.project,
        number=row.number,
        coin=coin,
        hero=hero_of(row, page.params, state),
        base_root="0x" + row.view.base_root.hex(),
        pot=row.view.pot,
        paid=row.result.paid,
        fee=row.fee,
        opened_at=row.opened_at,
        opened_tx=row.opened_tx,
        updates=updates,
        results=[r.result_line(one) for one in page.results],
        asks=[r.ask_line(one) for one in page.asks],
        events=[r.event_line(one) for one in page.timeline],
        pay=bar_chart(
            "pay", "Pay in this round", coin.symbol, bars, empty="Nobody is paid for this round yet."
        ),
        has_older=row.number > 1,
        has_newer=row.number < head,
        reference=r.reference_line(page.reference, row.phase) if page.reference else None,
    )


def trainer_detail(status: m.Status, page: v.TrainerPage) -> m.TrainerDetail:
    """One trainer. Its curves run over the rounds of the seat it used last."""
    coins = {one.project: coin_of(one.token) for one in page.tenures}
    reputation, earnings = _trainer_charts(page.rounds.items, coins)
    return m.TrainerDetail(
        status=status,
        address=page.address,
        tenures=[
            lines.SeatTenure(
                one.project,
                one.seat,
                one.payout,
                one.joined_at,
                one.left_at,
                one.evicted,
                coins[one.project],
                one.claimable,
                one.may_leave,
            )
            for one in page.tenures
        ],
        updates=m.Listing(
            [r.update_line(row, coins[row.project]) for row in page.rounds.items],
            page.rounds.total,
            page.rounds.offset,
            page.rounds.limit,
        ),
        reputation=reputation,
        earnings=earnings,
        earned=[lines.CreditLine(coin_of(token), amount) for token, amount in page.claimed],
        credits=[
            lines.CreditLine(coin_of(one.token), one.amount, one.account)
            for one in page.credits
            if one.amount
        ],
        advice=advise(list(page.rounds.items)),
    )


def _trainer_charts(rows: Sequence[v.UpdateRow], coins: Mapping[int, Coin]) -> tuple[Chart, Chart]:
    """(reputation, pay) of the seat that the newest round is of."""
    if not rows:
        empty = "No round judged yet."
        return (
            line_chart("reputation", "Reputation", "1 is full", [], empty=empty),
            line_chart("earnings", "Pay by round", "ETH", [], empty=empty),
        )
    last, coin = rows[0], coins[rows[0].project]
    own = [row for row in reversed(rows) if (row.project, row.seat) == (last.project, last.seat)]
    where = f"in project {last.project}, seat {last.seat}"
    reputation = [
        Value(row.round, row.account_reputation / (1 << 14), q14(row.account_reputation), _mark(row.verdict))
        for row in own
        if row.account_reputation is not None
    ]
    earnings = [
        Value(
            row.round, row.pay / 10**coin.decimals, f"{coin.exact(row.pay)} {coin.symbol}", _mark(row.verdict)
        )
        for row in own
        if row.pay is not None and row.phase is not Phase.FLAT
    ]
    return (
        line_chart("reputation", f"Reputation {where}", "1 is full", reputation, low=0.0, high=1.0),
        line_chart("earnings", f"Pay by round {where}", coin.symbol, earnings, low=0.0),
    )


def _mark(verdict: str) -> str:
    return verdict.replace(" ", "-")


def watch_detail(status: m.Status, page: v.WatchPage) -> m.WatchDetail:
    """What watchers look at."""
    past = page.convictions
    return m.WatchDetail(
        status,
        m.Listing(
            [r.result_line(row) for row in page.open.items],
            page.open.total,
            page.open.offset,
            page.open.limit,
        ),
        [r.ask_line(row) for row in page.asks],
        m.Listing([r.conviction_line(row) for row in past.items], past.total, past.offset, past.limit),
        [r.event_line(row) for row in page.other],
    )


def models_detail(
    status: m.Status, project: v.ProjectPage, page: v.Page[v.ModelRow], download: bool
) -> m.ModelsDetail:
    """The models of a project."""
    rows = [
        lines.ModelLine(
            row.round, WORDS[row.phase], row.root, row.cid, row.size_bytes, row.stands, row.merged
        )
        for row in page.items
    ]
    newest = next((line for line in rows if line.stands), None)
    return m.ModelsDetail(
        status,
        project.number,
        project.title,
        m.Listing(rows, page.total, page.offset, page.limit),
        newest,
        torch_lines(project.description),
        download,
        lsb_exponent(project.description),
    )
