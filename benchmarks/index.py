"""Speed of the index: events a second into SQLite, derived tables included, and the time of every page query.

    python -m benchmarks.index                                  # 20 projects x 25 rounds x 100 trainers, about a minute
    python -m benchmarks.index --projects 200 --rounds 100      # the full size: 4 million events
    python -m benchmarks.index --keep /tmp/index.sqlite         # leaves the database, for benchmarks.web

The chain is synthetic (`benchmarks.synthetic`); figures of all rounds are added as if documents had been checked.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.synthetic import Synthetic, Timer, account, arguments
from market.index.columns import table_of
from market.index.database import insert, open_writer
from market.index.queries import Reader, open_reader
from market.index.run import Service
from market.index.schema import ResultAccounts, ResultSeat
from market.records import Account
from market.result_document import account_bytes


def index_all(url: str, source: Synthetic) -> float:
    """Seconds to index everything."""
    service = Service(url, source, sleep=lambda seconds: None)
    service.start()
    start = time.perf_counter()
    service.catch_up()
    took = time.perf_counter() - start
    service.close()
    return took


def judge(url: str, source: Synthetic) -> None:
    """Figures of all rounds of all projects, as if their documents had been checked."""
    engine, rounds = open_writer(url), range(1, source.rounds + 1)
    for project in range(1, source.projects + 1):
        seats = [_figures(project, round_, seat) for round_ in rounds for seat in range(source.trainers)]
        with engine.begin() as connection:
            insert(connection, table_of(ResultSeat), seats)
            insert(
                connection, table_of(ResultAccounts), [_accounts(project, r, source.trainers) for r in rounds]
            )
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE results SET document = 'checked'")
    engine.dispose()


def _accounts(project: int, round_: int, trainers: int) -> dict[str, Any]:
    leaf = account_bytes(Account(9_000, round_ * 10**15, 0))
    return {"project": project, "round": round_, "attempt": 1, "leaves": leaf * trainers}


def _figures(project: int, round_: int, seat: int) -> dict[str, Any]:
    place = {"project": project, "round": round_, "attempt": 1, "seat": seat}
    words = {"verdict": "honest", "reason": "agrees with the others"}
    shares = {
        "weight": 655,
        "agreement": 9_000 + seat,
        "novelty": 8_000,
        "score": 10**6,
        "pay": 10**15,
        "penalty": 0,
    }
    sums = {"account_reputation": 9_000, "account_pay": round_ * 10**15, "account_penalty": 0}
    return place | words | shares | sums


def queries(reader: Reader, source: Synthetic) -> dict[str, Callable[[int], object]]:
    """Every page, for a number that says which one."""

    def p(n: int) -> int:
        return n % source.projects + 1

    return {
        "health": lambda n: reader.health(),
        "projects": lambda n: reader.projects(offset=n % source.projects, limit=20),
        "project": lambda n: reader.project(p(n), rounds=100),
        "round": lambda n: reader.round(p(n), n % source.rounds + 1),
        "rounds": lambda n: reader.rounds(p(n), limit=100),
        "seat": lambda n: reader.updates(p(n), n % source.trainers, limit=100),
        "trainer": lambda n: reader.trainer(account("t", p(n), n % source.trainers)),
        "results": lambda n: reader.results(p(n), limit=100),
        "models": lambda n: reader.models(p(n)),
        "timeline": lambda n: reader.timeline(p(n)),
        "watch": lambda n: reader.watch(),
    }


def time_queries(url: str, source: Synthetic, repeats: int) -> dict[str, dict[str, float]]:
    """Milliseconds by page."""
    with open_reader(url) as reader:
        return {name: Timer.of(repeats, ask).figures() for name, ask in queries(reader, source).items()}


def main() -> None:
    """Runs both and prints one JSON document."""
    options, source = arguments(
        __doc__,
        20,
        25,
        lambda parser: parser.add_argument("--keep", type=Path, help="leave the SQLite file here"),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "index.sqlite"
        url = f"sqlite:///{path.absolute()}"
        start = time.process_time()
        took = index_all(url, source)
        cpu = time.process_time() - start
        judge(url, source)
        report = {
            "projects x rounds x trainers": [source.projects, source.rounds, source.trainers],
            "events": source.event_count,
            "events a second": round(source.event_count / took),
            "events a CPU second": round(source.event_count / cpu),
            "bytes an event": path.stat().st_size // source.event_count,
            "queries in ms": time_queries(url, source, options.repeats),
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
