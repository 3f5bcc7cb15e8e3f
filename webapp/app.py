"""The composition root of the web process: settings and an index in, an ASGI application out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from market.errors import ChainError, FairtrainError
from market.index.queries import open_reader
from webapp import api, create, files, health, pages, patterns
from webapp.guard import AsgiApp, Guard, RefusedRequestError, wants_json
from webapp.models import Failure
from webapp.openapi import describe
from webapp.settings import Settings
from webapp.site import Facts, Site, as_json

ABOUT = """Everything that the pages show, as JSON from the same page models. Amounts are decimal strings of smallest
units, times unix seconds. Nothing here signs, sends, or asks a node: `calls` are encoded for wallets to sign."""


def create_app(
    settings: Settings, facts: Facts | None = None, clock: Callable[[], float] = time.time
) -> Guard:
    """The site behind its guard. `facts`: the index; by default the one at `settings.database`."""
    site = Site(settings, facts or open_reader(settings.database, settings.stale_after_s), clock)
    app = FastAPI(
        title="Fairtrain dashboard",
        version=site.version,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.site = site
    app.state.metrics = health.Metrics()
    for module in (health, pages, create, api, files, patterns):
        app.include_router(module.router)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    app.middleware("http")(app.state.metrics.measure)
    _add_errors(app, site)
    return Guard(cast(AsgiApp, app), settings, lambda failure: _page(site, failure))


def _add_errors(app: FastAPI, site: Site) -> None:
    """Every failure has one shape, as JSON for programs and as a page for people."""

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedRequestError)
        return answer(site, request, Failure(error.text, error.code, error.status))

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first: dict[str, Any] = dict(error.errors()[0])
        place = ".".join(str(part) for part in first["loc"])[:100]
        return answer(site, request, Failure(f"{place}: {first['msg']}"[:300], "W422", 422))

    def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        texts = {404: "there is no such page", 405: "that address does not take this method"}
        text = texts.get(error.status_code, str(error.detail))
        return answer(site, request, Failure(text, f"W{error.status_code}", error.status_code), error.headers)

    def broken(request: Request, error: Exception) -> Response:
        assert isinstance(error, FairtrainError)
        status = 503 if isinstance(error, ChainError) else 500
        # what the database said may name files and hosts: the log has it, visitors get the code
        return answer(
            site, request, Failure("the index cannot be read now; it says so in its log", error.code, status)
        )

    def crashed(request: Request, error: Exception) -> Response:
        """A bug: the server's log has the traceback, the visitor none of it."""
        return answer(site, request, Failure("this page has a bug; the server's log has more", "W500", 500))

    app.add_exception_handler(Exception, crashed)
    app.add_exception_handler(RefusedRequestError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(FairtrainError, broken)


def answer(site: Site, request: Request, failure: Failure, headers: Any = None) -> Response:
    """A failure in the form that the address promises."""
    if wants_json(request.url.path):
        response = as_json(failure, failure.status)
    else:
        response = Response(_page(site, failure), failure.status, media_type="text/html; charset=utf-8")
    for key, value in (headers or {}).items():
        response.headers[key] = value
    return response


def _page(site: Site, failure: Failure) -> str:
    return site.pages.page("error", page=failure, freshness=None)
