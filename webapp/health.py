"""Whether the site may be believed: `/healthz` for supervisors, `/metrics` for Prometheus, `/status` for open pages."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from market.errors import FairtrainError
from webapp import models as m
from webapp.pages import Here
from webapp.site import as_json

router = APIRouter()
GAUGES = {
    "block": "newest indexed block",
    "head": "newest block of the chain",
    "lag_blocks": "blocks behind",
    "lag_s": "seconds since the index was updated",
}


class Metrics:
    """Counters of one site. Routes are named by their pattern, so their number is bounded."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "fairtrain_web_requests",
            "answers by route and status",
            ["route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "fairtrain_web_seconds",
            "server time by route",
            ["route"],
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.gauges = {
            name: Gauge(f"fairtrain_index_{name}", text, registry=self.registry)
            for name, text in GAUGES.items()
        }
        self.stale = Gauge("fairtrain_index_stale", "1 if pages are stale", registry=self.registry)

    async def measure(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """Middleware: time and status of each answer."""
        started = time.perf_counter()
        status = 500
        try:
            response = await call_next(request)
            status = response.status_code
            return response
        finally:
            route = getattr(request.scope.get("route"), "path", "none")
            self.requests.labels(route, str(status)).inc()
            self.seconds.labels(route).observe(time.perf_counter() - started)

    def text(self, status: m.Status | None) -> bytes:
        """The exposition format."""
        self.stale.set(1 if status is None or status.stale else 0)
        if status is not None:
            for name, gauge in self.gauges.items():
                gauge.set(getattr(status, name))
        return generate_latest(self.registry)


@router.get("/healthz", responses={503: {"model": m.Failure}})
def healthz(site: Here) -> dict[str, Any]:
    """200 while pages are fresh; 503 when the index is stale, halted or gone."""
    try:
        status = site.status()
    except FairtrainError as error:
        return as_json(m.Failure(error.text, error.code, 503), 503)  # type: ignore[return-value]
    if status.stale or status.state == "halted":
        text = status.problem or f"nothing was heard of the chain for {status.lag_s} s"
        return as_json(m.Failure(text, "W503", 503), 503)  # type: ignore[return-value]
    return {"ok": True, "state": status.state, "block": status.block, "lag_s": status.lag_s}


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(site: Here, request: Request) -> Response:
    """For Prometheus."""
    try:
        status: m.Status | None = site.status()
    except FairtrainError:
        status = None
    body = request.app.state.metrics.text(status)
    return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/status", response_class=HTMLResponse)
def status(site: Here, part: str | None = None) -> Response:
    """How fresh the index is; open pages ask every few seconds."""
    found = site.status()
    return site.html("status", _Page(found), "live" if part == "live" else None)


@router.get("/status.json", response_model=m.Status)
def status_json(site: Here) -> Response:
    """How fresh the index is."""
    return as_json(site.status())


class _Page:
    """A page that shows nothing but its status."""

    def __init__(self, status: m.Status) -> None:
        self.status = status
