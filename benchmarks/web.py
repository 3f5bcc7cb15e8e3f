"""Server time of every page, whole: query, page model, template or JSON, compression of nothing.

    python -m benchmarks.web                                  # 4 projects x 100 rounds x 100 trainers, two minutes
    python -m benchmarks.index --projects 200 --rounds 100 --keep /tmp/index.sqlite
    python -m benchmarks.web --database /tmp/index.sqlite --projects 200

The database is that of `benchmarks.index`; nothing but SQLite is asked. The goal is a 95th percentile below 100 ms.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.index import index_all, judge
from benchmarks.synthetic import Synthetic, Timer, account, arguments
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


def time_pages(site: AsgiApp, source: Synthetic, repeats: int) -> dict[str, dict[str, float]]:
    """Milliseconds and size by page."""
    found = {}
    with asyncio.Runner() as runner:
        for name, address in pages(source).items():
            sizes: list[int] = []

            def one(n: int, address: Callable[[int], str] = address, sizes: list[int] = sizes) -> None:
                status, size = runner.run(ask(site, address(n)))
                if status != 200:
                    raise SystemExit(f"{address(n)} answered {status}")
                sizes.append(size)

            one(0)  # templates and schemas are compiled at first use
            found[name] = Timer.of(repeats, one).figures() | {"kB": round(sizes[-1] / 1000)}
    return found


def main() -> None:
    """Makes or takes a database, and prints one JSON document."""
    text = "of `benchmarks.index --keep`, with the same sizes"
    options, source = arguments(
        __doc__, 4, 100, lambda parser: parser.add_argument("--database", type=Path, help=text)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = options.database or Path(folder) / "index.sqlite"
        url = f"sqlite:///{path.absolute()}"
        if options.database is None:
            index_all(url, source)
            judge(url, source)
        limits = Limits(per_minute=10**9)
        with open_reader(url, stale_s=10**9) as reader:
            site = create_app(Settings(source.deployment, url, limits=limits), reader)
            report = time_pages(site, source, options.repeats)
    sizes = [source.projects, source.rounds, source.trainers]
    slow = [name for name, row in report.items() if row["p95"] > GOAL_MS]
    body = {"projects x rounds x trainers": sizes, "pages in ms": report, "above the goal": slow}
    print(json.dumps(body, indent=2))


if __name__ == "__main__":
    main()
