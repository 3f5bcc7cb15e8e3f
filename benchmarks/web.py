"""Server time of every page, whole: query, page model, template or JSON, compression of nothing.

    python -m benchmarks.web                                  # 4 projects x 100 rounds x 100 trainers, two minutes
    python -m benchmarks.index --projects 200 --rounds 100 --keep /tmp/index.sqlite
    python -m benchmarks.web --database /tmp/index.sqlite --projects 200

The database is that of `benchmarks.index`; nothing but SQLite is asked. The goal is a 95th percentile below 100 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.index import Synthetic, account, index_all, judge
from market.index.queries import open_reader
from webapp.app import create_app
from webapp.guard import AsgiApp
from webapp.settings import Limits, Settings

GOAL_MS = 100.0


def pages(source: Synthetic) -> dict[str, Callable[[int], str]]:
    """Address of every page, for a number that says which one."""

    def p(n: int) -> int:
        return n % source.projects + 1

    def r(n: int) -> int:
        return n % source.rounds + 1

    def t(n: int) -> str:
        return account("t", p(n), n % source.trainers)

    return {
        "projects": lambda n: "/",
        "projects.json": lambda n: "/projects.json",
        "project": lambda n: f"/projects/{p(n)}",
        "project, live part": lambda n: f"/projects/{p(n)}?part=live",
        "project.json": lambda n: f"/projects/{p(n)}.json",
        "round": lambda n: f"/projects/{p(n)}/rounds/{r(n)}",
        "round.json": lambda n: f"/projects/{p(n)}/rounds/{r(n)}.json",
        "models": lambda n: f"/projects/{p(n)}/models",
        "trainer": lambda n: f"/trainers/{t(n)}",
        "trainer.json": lambda n: f"/trainers/{t(n)}.json",
        "watch": lambda n: "/watch",
        "create": lambda n: "/create",
        "status": lambda n: "/status?part=live",
        "healthz": lambda n: "/healthz",
    }


async def ask(site: AsgiApp, address: str) -> tuple[int, int]:
    """(status, bytes) of one GET."""
    path, _, query = address.partition("?")
    status, size = 0, 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, size
        status = message.get("status", status)
        size += len(message.get("body", b""))

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "root_path": ""}
    scope |= {
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
    }
    await site({**scope, "scheme": "http", "http_version": "1.1", "server": ("localhost", 80)}, receive, send)
    return status, size


async def time_pages(site: AsgiApp, source: Synthetic, repeats: int) -> dict[str, dict[str, float]]:
    """Median, 95th percentile and mean processor time in milliseconds, and size, by page."""
    found = {}
    for name, address in pages(source).items():
        await ask(site, address(0))  # templates and schemas are compiled at first use
        took, cpu, size = [], time.process_time(), 0
        for n in range(repeats):
            start = time.perf_counter()
            status, size = await ask(site, address(7 * n))
            took.append((time.perf_counter() - start) * 1000)
            if status != 200:
                raise SystemExit(f"{address(7 * n)} answered {status}")
        mean_cpu = (time.process_time() - cpu) / repeats * 1000
        p95 = statistics.quantiles(took, n=20)[-1]
        times = {"p50": statistics.median(took), "p95": p95, "cpu": mean_cpu}
        found[name] = {key: round(value, 1) for key, value in times.items()} | {"kB": round(size / 1000)}
    return found


def main() -> None:
    """Makes or takes a database, and prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--projects", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--trainers", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--database", type=Path, help="of `benchmarks.index --keep`, with the same sizes")
    options = parser.parse_args()
    source = Synthetic(options.projects, options.rounds, options.trainers)
    with tempfile.TemporaryDirectory() as folder:
        path = options.database or Path(folder) / "index.sqlite"
        url = f"sqlite:///{path.absolute()}"
        if options.database is None:
            index_all(url, source)
            judge(url, source, source.projects)
        limits = Limits(per_minute=10**9)
        with open_reader(url, stale_s=10**9) as reader:
            site = create_app(Settings(source.deployment, url, limits=limits), reader)
            report = asyncio.run(time_pages(site, source, options.repeats))
    sizes = [source.projects, source.rounds, source.trainers]
    slow = [name for name, row in report.items() if row["p95"] > GOAL_MS]
    print(
        json.dumps(
            {"projects x rounds x trainers": sizes, "pages in ms": report, "above the goal": slow}, indent=2
        )
    )


if __name__ == "__main__":
    main()
