"""Figures of a watcher in the text format of Prometheus, in a file or behind a port."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server, write_to_textfile

from market.errors import InputError


class Metrics:
    """What a watcher counts. All names begin with `fairtrain_watch_` and carry the project."""

    def __init__(self, project: int, target: str | None = None) -> None:
        """`target`: a port of this machine, or a file that is rewritten whole. InputError E119: port in use."""
        self._registry = CollectorRegistry()
        self._file = Path(target) if target and not target.isdecimal() else None
        labels = {"project": str(project)}
        self.right = self._counter("results_right_total", "Results that are what they should be", labels)
        self.wrong = self._counter("results_wrong_total", "Results in which a number is wrong", labels)
        self.refuted = self._counter("refutations_total", "Refutations that convicted", labels)
        self.asked = self._counter("asks_total", "Asks sent", labels)
        self.silent = self._counter("silent_total", "Posters convicted for an ask without an answer", labels)
        self.missing = self._gauge("files_missing", "Files of counted results that nobody serves", labels)
        self.round = self._gauge("round", "Newest round that was looked at", labels)
        self.time = self._gauge(
            "looked_at_seconds", "Time of the chain at the last look, unix seconds", labels
        )
        if target and self._file is None:
            try:
                self._server = start_http_server(int(target), "127.0.0.1", self._registry)
            except (OSError, OverflowError) as error:
                raise InputError("E119", f"metrics: cannot listen on port {target}: {error}") from None

    def write(self) -> None:
        """Rewrites the file, if there is one."""
        if self._file is not None:
            write_to_textfile(str(self._file), self._registry)

    def close(self) -> None:
        """Writes a last time and stops listening."""
        self.write()
        if server := getattr(self, "_server", None):
            server[0].shutdown()
            server[0].server_close()
            server[1].join()

    def _counter(self, name: str, text: str, labels: dict[str, str]) -> Counter:
        made = Counter(f"fairtrain_watch_{name}", text, list(labels), registry=self._registry)
        return made.labels(**labels)

    def _gauge(self, name: str, text: str, labels: dict[str, str]) -> Gauge:
        made = Gauge(f"fairtrain_watch_{name}", text, list(labels), registry=self._registry)
        return made.labels(**labels)
