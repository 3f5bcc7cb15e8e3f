"""What every route needs: settings, the index, templates, and how an answer becomes HTML, JSON or a part of a page."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Any, Protocol

from fastapi import Request, Response
from pydantic import TypeAdapter

from market.claims import AccountProof
from market.index import views as v
from market.tokens import TokenFacts
from webapp.build.rows import status_of
from webapp.guard import RefusedRequestError
from webapp.models import Status
from webapp.publish import Publisher
from webapp.render import Pages
from webapp.settings import MAX_ROWS, Settings


class Facts(Protocol):
    """What pages ask of the index (`market.index.queries.Reader`)."""

    def health(self) -> v.Health: ...
    def version(self) -> str: ...
    def token(self, address: str) -> TokenFacts | None: ...
    def account_proof(self, project: int, seat: int) -> tuple[int, AccountProof] | None: ...
    def projects(self, offset: int = 0, limit: int = 20) -> v.Page[v.ProjectRow]: ...
    def project(self, number: int, rounds: int = 20) -> v.ProjectPage | None: ...
    def round(self, project: int, number: int) -> v.RoundPage | None: ...
    def trainer(self, address: str, offset: int = 0, limit: int = 50) -> v.TrainerPage | None: ...
    def watch(self, offset: int = 0, limit: int = 50) -> v.WatchPage: ...
    def models(self, project: int, offset: int = 0, limit: int = 20) -> v.Page[v.ModelRow]: ...


def package_version() -> str:
    """Of this build."""
    try:
        return installed_version("fairtrain")
    except PackageNotFoundError:
        return "0"


class Site:
    """One running site."""

    def __init__(self, settings: Settings, facts: Facts, clock: Callable[[], float]) -> None:
        self.settings, self.facts, self.clock = settings, facts, clock
        self.version = package_version()
        self.pages = Pages(settings, self.version)
        self.publisher = Publisher(settings)

    def status(self) -> Status:
        """How fresh the index is."""
        return status_of(self.facts.health(), self.settings, self.version)

    def chain_now(self) -> int:
        """The chain's time, else ours where nothing is indexed yet."""
        return max(self.facts.health().now, int(self.clock()))

    def html(self, name: str, page: Any, part: str | None = None, status: int = 200, **more: Any) -> Response:
        """A page, or the part of it that an open page asks for again."""
        freshness = getattr(page, "status", None)
        context = {"page": page, "freshness": freshness, "part": part, **more}
        if part is None:
            shown = self.pages.page(name, **context)
        elif part == "live":
            shown = self.pages.part(name, "live", **context)
        else:
            raise RefusedRequestError(400, "W400", "that page has no such part; the only one is `live`")
        headers = {"vary": "HX-Request"}
        if isinstance(freshness, Status):
            headers["x-chain-now"] = str(freshness.now)
        return Response(shown, status, headers, "text/html; charset=utf-8")


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def as_json(page: Any, status: int = 200) -> Response:
    """A page model as JSON; amounts are decimal text."""
    kind = type(page)
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return Response(_ADAPTERS[kind].dump_json(page), status, media_type="application/json")


def site_of(request: Request) -> Site:
    """The site that serves a request."""
    site: Site = request.app.state.site
    return site


def bounded(limit: int) -> int:
    """Rows that a visitor may ask for."""
    return min(limit, MAX_ROWS)
