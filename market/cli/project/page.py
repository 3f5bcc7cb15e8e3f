"""Everything that `fairtrain project show` shows, gathered once: people's tables and JSON come from the same page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from market.claims import document_of
from market.cli.context import App
from market.duties import Duty, advance_duties, final_from, flat_from, is_over
from market.errors import DocumentError, StoreError, UpdateError
from market.events import Event, FlatClaimed, ProjectFunded, ProjectRefunded, RoundFinalised
from market.history import History
from market.params import Content, Params
from market.phases import Phase
from market.ports import Store
from market.project_files import description_of
from market.records import START_ACCOUNT, Account, ResultView, RoundView, SeatView
from market.result_document import ResultDocument, checked_accounts
from market.snapshot import ProjectSnapshot, take_snapshot

if TYPE_CHECKING:
    from market.chain.gateway import Gateway

UNREADABLE = (StoreError, UpdateError, DocumentError)
"""What a store or a poster can do to a document; none of it keeps the rest of the page from being shown."""


@dataclass(frozen=True)
class Money:
    """Smallest units. `reserved`: in open rounds; `bucket`: pay of FINAL rounds not yet claimed; `flat_open`: shares
    of FLAT rounds not yet taken; `funded`, `fees`, `paid`, `flat_taken`, `refunded`: sums over the project's life."""

    funded: int
    escrow: int
    reserved: int
    bucket: int
    penalty_pool: int
    fees: int
    paid: int
    flat_open: int
    flat_taken: int
    refunded: int


@dataclass(frozen=True)
class RoundRow:
    """One round. `ends_at`: when time moves it on, None if only a call does or nothing will."""

    number: int
    phase: Phase
    view: RoundView
    result: ResultView
    ends_at: int | None


@dataclass(frozen=True)
class SeatRow:
    """One held seat. `account` is None and `verdict` empty while no result document can be read."""

    number: int
    view: SeatView
    account: Account | None
    verdict: str


@dataclass(frozen=True)
class ProjectPage:
    """A project now. `title` is empty and `note` says why where the store cannot be read."""

    number: int
    snapshot: ProjectSnapshot
    content: Content
    title: str
    rounds: list[RoundRow]
    seats: list[SeatRow]
    accounts_of: int | None
    """round whose result the seats' accounts come from, 0 = the start"""
    money: Money
    due: list[Duty]
    notes: list[str] = field(default_factory=list)

    @property
    def params(self) -> Params:
        """Frozen parameters."""
        return self.snapshot.params

    @property
    def state(self) -> str:
        """One word for the whole project."""
        if self.snapshot.project.refunded and self.snapshot.project.open_count == 0:
            return "refunded"
        if self.snapshot.project.stopped:
            return "stopped"
        return "over" if is_over(self.snapshot) else "running"


def build_page(app: App, gateway: Gateway, project: int, newest: int) -> ProjectPage:
    """Reads chain and store; `newest` bounds the rounds listed. RefusedError if there is no such project."""
    _, content = gateway.params(project)
    events = [log.event for log in gateway.events(project=project)]
    history = History(project)
    history.apply(events)
    snapshot = take_snapshot(gateway, project, stale=history.stale(gateway.project(project).tip))
    store, notes = app.store(), list[str]()
    title = _title(store, snapshot.params, content, notes)
    document, accounts_of = _last_document(gateway, store, history, snapshot, notes)
    first = max(1, snapshot.project.head - newest + 1)
    rounds = [_round(gateway, snapshot, number) for number in range(first, snapshot.project.head + 1)]
    flat = [number for number, facts in history.rounds.items() if facts.flat]
    flat_open = sum(gateway.round(project, number).pot for number in flat)
    return ProjectPage(
        number=project,
        snapshot=snapshot,
        content=content,
        title=title,
        rounds=rounds,
        seats=_seats(gateway, project, history, document, accounts_of),
        accounts_of=accounts_of,
        money=_money(events, snapshot, flat_open),
        due=advance_duties(snapshot),
        notes=notes,
    )


def standing_round(snapshot: ProjectSnapshot) -> int:
    """The newest round whose result stands (0: the start): a PROPOSED one at the tip is passed over."""
    last = snapshot.project.last_result
    return last if snapshot.stands(last) else snapshot.results[last].prev


def ends_at(snapshot: ProjectSnapshot, number: int, view: RoundView) -> int | None:
    """The next second at which time alone matters to a round."""
    match view.phase:
        case Phase.COMMIT:
            return view.commit_end
        case Phase.REVEAL:
            return view.reveal_end
        case Phase.AGGREGATE:
            return flat_from(snapshot, number)
        case Phase.PROPOSED:
            return snapshot.results[number].stands_at
        case Phase.STANDING:
            return final_from(snapshot, number)
    return None


def _title(store: Store, params: Params, content: Content, notes: list[str]) -> str:
    try:
        return description_of(store, params, content).title
    except UNREADABLE as error:
        notes.append(f"description cannot be read: {error}")
        return ""


def _round(gateway: Gateway, snapshot: ProjectSnapshot, number: int) -> RoundRow:
    view = snapshot.rounds.get(number) or gateway.round(snapshot.number, number)
    result = snapshot.results.get(number)
    if result is None:
        result = gateway.result(snapshot.number, number) if view.phase is Phase.FINAL else ResultView()
    return RoundRow(number, view.phase, view, result, ends_at(snapshot, number, view))


def _last_document(
    gateway: Gateway, store: Store, history: History, snapshot: ProjectSnapshot, notes: list[str]
) -> tuple[ResultDocument | None, int | None]:
    """Document of the newest result with checked accounts, and its round; (None, 0) is the start."""
    last = standing_round(snapshot)
    if last == 0:
        return None, 0
    posted = history.posted(gateway.result(snapshot.number, last).commitment)
    if posted is None:
        notes.append(f"round {last}: the node serves no post for its result")
        return None, None
    try:
        document = document_of(store, posted)
        checked_accounts(document, posted.post.roots.accounts, snapshot.params.seats)
    except UNREADABLE as error:
        notes.append(f"accounts of round {last} cannot be read: {error}")
        return None, None
    return document, last


def _seats(
    gateway: Gateway, project: int, history: History, document: ResultDocument | None, source: int | None
) -> list[SeatRow]:
    accounts = document.account_list() if document else None
    verdicts = {entry.seat: entry.verdict for entry in document.seats} if document else {}
    rows = []
    for number in sorted(history.seats_held()):
        account = accounts[number] if accounts else START_ACCOUNT if source == 0 else None
        rows.append(SeatRow(number, gateway.seat(project, number), account, verdicts.get(number, "")))
    return rows


def _money(events: list[Event], snapshot: ProjectSnapshot, flat_open: int) -> Money:
    project = snapshot.project
    final = [event for event in events if isinstance(event, RoundFinalised)]
    return Money(
        funded=sum(event.amount for event in events if isinstance(event, ProjectFunded)),
        escrow=project.escrow,
        reserved=sum(view.pot for view in snapshot.rounds.values() if view.phase is not Phase.FLAT),
        bucket=project.bucket,
        penalty_pool=project.penalty_pool,
        fees=sum(event.fee for event in final),
        paid=sum(event.paid for event in final),
        flat_open=flat_open,
        flat_taken=sum(event.amount for event in events if isinstance(event, FlatClaimed)),
        refunded=sum(event.escrow for event in events if isinstance(event, ProjectRefunded)),
    )
