"""What posters and owners published, fetched from the store and checked against the chain before anybody sees it.

A result document's digest is on chain, its accounts must hash to the posted root, and its words must be about the
result that names it. What is published and wrong is marked so for good; what nobody serves stays pending.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from sqlalchemy import Connection, Engine, select, update

from market.cid import cid_from_digest
from market.claims import document_of
from market.codec import UPDATE, check_update_file, decode
from market.errors import DocumentError, StoreError, UpdateError
from market.events import ResultPosted
from market.fetch import fetch_bytes
from market.index import schema
from market.index.columns import table_of
from market.index.database import insert
from market.index.mirror import Row
from market.index.views import Document
from market.params import Content, Params
from market.ports import Store
from market.project_files import description_of
from market.records import Account
from market.result_document import ResultDocument, SeatResult, account_bytes, checked_accounts

RESULTS, RESULT_SEATS = table_of(schema.ResultRowDb), table_of(schema.ResultSeat)
ACCOUNTS = table_of(schema.ResultAccounts)
DESCRIPTIONS, PROJECTS = table_of(schema.DescriptionRow), table_of(schema.ProjectState)
AT_ONCE, RETRY_S, MOST_RETRY_S = 4, 2.0, 300.0
NOT_INCLUDED = ("left out", "absent")
MOST_DELTA_BYTES = 1 << 25
"""Files of deltas above this are not read for a curve."""
MOST = 1 << 255
"""Figures beyond this are nobody's honest numbers."""
Key = tuple[int, ...]


@dataclass(frozen=True)
class Finding:
    """What became of one document: of a result (project, round, attempt), or of a project's description (project)."""

    key: Key
    commitment: bytes
    state: Document
    problem: str = ""
    document: ResultDocument | None = None
    accounts: tuple[Account, ...] = ()
    step_squared: int | None = None
    title: str = ""
    text: str = ""


@dataclass
class Documents:
    """Fetches in the background, since a store may take its time; `collect` writes what has come."""

    engine: Engine
    store: Store
    clock: Callable[[], float] = time.monotonic
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "documents"))
    _running: dict[Key, Future[Finding]] = field(default_factory=dict)
    _not_before: dict[Key, tuple[float, float]] = field(default_factory=dict)

    def start(self) -> int:
        """Begins to fetch what is pending and due; how many are under way."""
        now = self.clock()
        with self.engine.connect() as connection:
            for key in pending(connection) if len(self._running) < AT_ONCE else ():
                if key in self._running or self._not_before.get(key, (0.0, 0.0))[0] > now:
                    continue
                self._running[key] = self._pool.submit(_fetcher(connection, self.store, key))
                if len(self._running) >= AT_ONCE:
                    break
        return len(self._running)

    def collect(self, wait: bool = False) -> int:
        """Writes what has come since; how many documents are settled by it. With `wait`, until all have come."""
        ready = [key for key, future in self._running.items() if wait or future.done()]
        settled = 0
        for key in ready:
            finding = self._running.pop(key).result()
            if finding.state is Document.PENDING:
                pause = min(max(2 * self._not_before.get(key, (0.0, 0.0))[1], RETRY_S), MOST_RETRY_S)
                self._not_before[key] = (self.clock() + pause, pause)
                continue
            with self.engine.begin() as connection:
                write(connection, finding)
            self._not_before.pop(key, None)
            settled += 1
        return settled

    def fetch_all(self) -> int:
        """Everything that the store serves now; how many documents are settled by it."""
        settled = 0
        while self.start():
            settled += self.collect(wait=True)
        return settled

    def close(self) -> None:
        """Drops what has not come."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def pending(connection: Connection) -> list[Key]:
    """Documents that are not settled: descriptions first, then results from the newest."""
    of = Document.PENDING.value
    described = select(DESCRIPTIONS.c.project).where(DESCRIPTIONS.c.state == of)
    c = RESULTS.c
    posts = select(c.project, c.round, c.attempt).where(c.document == of).order_by(c.number.desc())
    return [tuple(row) for row in [*connection.execute(described), *connection.execute(posts)]]


def _fetcher(connection: Connection, store: Store, key: Key) -> Callable[[], Finding]:
    """Reads what the chain says about a document; the returned call needs no database."""
    of_project = select(PROJECTS.c.params, PROJECTS.c.content).where(PROJECTS.c.project == key[0])
    params, content = connection.execute(of_project).one()
    if len(key) == 1:
        return _description(store, key, params, content)
    project, round_, attempt = key
    c = RESULTS.c
    of_post = select(RESULTS).where(c.project == project, c.round == round_, c.attempt == attempt)
    row = connection.execute(of_post).mappings().one()
    post = ResultPosted(
        project, round_, row["poster"], row["commitment"], row["stands_at"], row["merged"], row["post"]
    )
    return _result(store, key, post, params)


def _description(store: Store, key: Key, params: Params, content: Content) -> Callable[[], Finding]:
    def fetch() -> Finding:
        try:
            description = description_of(store, params, content)
        except StoreError:
            return Finding(key, b"", Document.PENDING)
        except (DocumentError, UpdateError) as error:
            return Finding(key, b"", Document.WRONG, storable(str(error)))
        text = storable(description.to_bytes().decode())
        return Finding(key, b"", Document.CHECKED, title=storable(description.title), text=text)

    return fetch


def _result(store: Store, key: Key, posted: ResultPosted, params: Params) -> Callable[[], Finding]:
    def fetch() -> Finding:
        try:
            document = document_of(store, posted)
            accounts, _ = checked_accounts(document, posted.post.roots.accounts, params.seats)
            check_words(document, posted, params.seats)
        except StoreError:
            return Finding(key, posted.commitment, Document.PENDING)
        except (DocumentError, UpdateError) as error:
            return Finding(key, posted.commitment, Document.WRONG, storable(str(error)))
        step, problem = step_of(store, posted, params.coefficients)
        found = Finding(key, posted.commitment, Document.CHECKED, problem, document, tuple(accounts))
        return replace(found, step_squared=step)

    return fetch


def step_of(store: Store, posted: ResultPosted, coefficients: int) -> tuple[int | None, str]:
    """Sum of the squared coefficients of the delta, and what is wrong with its file; None where it was not read.

    Exact: 2^24 squares of int16 fit int64. Nobody waits for a file that is not served: only a curve lacks a point.
    """
    size = UPDATE.file_bytes(coefficients)
    if size > MOST_DELTA_BYTES:
        return None, ""
    try:
        data = fetch_bytes(store, cid_from_digest(posted.post.delta_digest, size), size, exact=True)
        check_update_file([data], coefficients, posted.post.roots.delta)
    except StoreError:
        return None, ""
    except UpdateError as error:
        return None, storable(f"delta: {error}")
    values = decode(data, coefficients, UPDATE).astype(np.int64)
    return int(values @ values), ""


def check_words(document: ResultDocument, posted: ResultPosted, seats: int) -> None:
    """UpdateError E113 if a document speaks of another result, or of seats or sums that cannot be."""
    said = (document.project, document.round, document.poster.lower(), int(document.paid))
    meant = (posted.project, posted.round, posted.poster.lower(), posted.post.paid)
    if said != meant:
        raise UpdateError("E113", f"result document: is about {said}, expected {meant}")
    numbers = [entry.seat for entry in document.seats]
    if len(set(numbers)) != len(numbers) or any(number >= seats for number in numbers):
        raise UpdateError(
            "E113", f"result document: seats {numbers[:20]}, expected each of {seats} at most once"
        )
    if (total := sum(int(entry.pay) for entry in document.seats)) > posted.post.paid:
        raise UpdateError("E113", f"result document: seats are paid {total}, posted {posted.post.paid}")
    if any(abs(figure) >= MOST for entry in document.seats for figure in _figures(entry)):
        raise UpdateError("E113", "result document: a figure of 2^255 or more, which no rule gives")


def write(connection: Connection, finding: Finding) -> None:
    """Notes a finding, unless the chain has meanwhile taken back what it is about."""
    if len(finding.key) == 1:
        values = {"state": finding.state.value, "problem": finding.problem, "title": finding.title}
        mine = DESCRIPTIONS.c.project == finding.key[0]
        connection.execute(update(DESCRIPTIONS).where(mine).values(**values, document=finding.text or None))
        return
    project, round_, attempt = finding.key
    of_post = (RESULTS.c.project == project, RESULTS.c.round == round_, RESULTS.c.attempt == attempt)
    if connection.execute(select(RESULTS.c.commitment).where(*of_post)).scalar() != finding.commitment:
        return
    change: Row = {"document": finding.state.value, "problem": finding.problem}
    if finding.document is not None:
        change["step_squared"] = finding.step_squared
        change["mean_agreement"] = _mean_agreement(finding.document)
        rows = [_seat_row(finding, entry) for entry in sorted(finding.document.seats, key=lambda e: e.seat)]
        insert(connection, RESULT_SEATS, rows)
        leaves = b"".join(map(account_bytes, finding.accounts))
        place = {"project": project, "round": round_, "attempt": attempt}
        insert(connection, ACCOUNTS, [place | {"leaves": leaves}])
    connection.execute(update(RESULTS).where(*of_post).values(change))


def storable(text: str) -> str:
    """A stranger's text without what databases refuse: lone surrogates and zero characters."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def _figures(entry: SeatResult) -> tuple[int, ...]:
    return entry.agreement, entry.novelty, int(entry.score), int(entry.pay), int(entry.penalty)


def _mean_agreement(document: ResultDocument) -> int | None:
    included = [entry.agreement for entry in document.seats if entry.verdict not in NOT_INCLUDED]
    return Fraction(sum(included), len(included)).__floor__() if included else None


def _seat_row(finding: Finding, entry: SeatResult) -> Row:
    project, round_, attempt = finding.key
    account = finding.accounts[entry.seat]
    return {
        "project": project,
        "round": round_,
        "attempt": attempt,
        "seat": entry.seat,
        "verdict": entry.verdict,
        "reason": storable(entry.reason),
        "weight": entry.weight,
        "agreement": entry.agreement,
        "novelty": entry.novelty,
        "score": int(entry.score),
        "pay": int(entry.pay),
        "penalty": int(entry.penalty),
        "account_reputation": account.reputation,
        "account_pay": account.pay,
        "account_penalty": account.penalty,
    }
