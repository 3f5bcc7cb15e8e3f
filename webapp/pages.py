"""The pages and their JSON twins: `/x` for people, `/x.json` for programs, both from one page model."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import HTMLResponse

from market.errors import InputError
from market.index import views as v
from market.units import address
from webapp import models as m
from webapp.build import pages as build
from webapp.guard import RefusedRequestError
from webapp.settings import PAGE_ROWS
from webapp.site import Site, as_json, bounded, site_of

CHART_ROUNDS = 100
MAX_ID = (1 << 63) - 1

router = APIRouter()
Here = Annotated[Site, Depends(site_of)]
Number = Annotated[int, Path(ge=1, le=MAX_ID)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
Limit = Annotated[int, Query(ge=1, le=100)]
Part = Annotated[str | None, Query(pattern="^live$")]
Goal = Annotated[str | None, Query(pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$", description="accuracy in percent")]
Wanted = Annotated[str, Path(pattern="^0x[0-9a-fA-F]{40}$")]


def missing(what: str) -> RefusedRequestError:
    """404 with words."""
    return RefusedRequestError(404, "W404", f"{what} is not in the index; it may be new, or not exist")


def goal_ppm(text: str | None) -> int | None:
    """Millionths from percent text; None if there is none or it is out of range."""
    if text is None:
        return None
    whole, _, rest = text.partition(".")
    found = int(whole + rest.ljust(4, "0"))
    return found if 0 < found <= 1_000_000 else None


def projects_model(site: Site, offset: int, limit: int) -> m.ProjectsPage:
    """The list of projects."""
    return build.projects_page(site.status(), site.facts.projects(offset, bounded(limit)))


def project_model(site: Site, project: int, goal: str | None) -> m.ProjectDetail:
    """One project."""
    found = site.facts.project(project, CHART_ROUNDS)
    if found is None:
        raise missing(f"project {project}")
    return build.project_detail(site.status(), found, goal_ppm(goal))


def round_model(site: Site, project: int, number: int) -> m.RoundDetail:
    """One round."""
    found, owner = site.facts.round(project, number), project_row(site, project)
    if found is None or owner is None:
        raise missing(f"round {number} of project {project}")
    return build.round_detail(site.status(), found, owner.state, owner.head)


def project_row(site: Site, number: int) -> v.ProjectRow | None:
    """A project as its line in the list: numbers count from 1, newest first, so its place is known."""
    total = site.facts.projects(0, 1).total
    if number > total:
        return None
    return next((row for row in site.facts.projects(total - number, 2).items if row.number == number), None)


def trainer_model(site: Site, wanted: str, offset: int, limit: int) -> m.TrainerDetail:
    """One trainer."""
    try:
        checked = address(wanted)
    except InputError as error:
        raise RefusedRequestError(422, "W422", error.text) from None
    found = site.facts.trainer(checked, offset, bounded(limit))
    if found is None:
        raise missing(f"a seat of {checked}")
    return build.trainer_detail(site.status(), found)


def watch_model(site: Site, offset: int, limit: int) -> m.WatchDetail:
    """Open windows and convictions."""
    return build.watch_detail(site.status(), site.facts.watch(offset, bounded(limit)))


def models_model(site: Site, project: int, offset: int, limit: int) -> m.ModelsDetail:
    """Models of a project."""
    found = site.facts.project(project, 1)
    if found is None:
        raise missing(f"project {project}")
    page = site.facts.models(project, offset, bounded(limit))
    return build.models_detail(site.status(), found, page, site.settings.store.startswith("folder:"))


@router.get("/", response_class=HTMLResponse)
def projects(site: Here, offset: Offset = 0, limit: Limit = PAGE_ROWS, part: Part = None) -> Response:
    """All projects, newest first."""
    return site.html("projects", projects_model(site, offset, limit), part)


@router.get("/projects.json", response_model=m.ProjectsPage)
def projects_json(site: Here, offset: Offset = 0, limit: Limit = PAGE_ROWS) -> Response:
    """All projects, newest first."""
    return as_json(projects_model(site, offset, limit))


@router.get("/projects/{project:int}", response_class=HTMLResponse, responses={404: {"model": m.Failure}})
def project(site: Here, project: Number, part: Part = None, goal: Goal = None) -> Response:
    """One project: where it is, what it learned, where the money is."""
    return site.html("project", project_model(site, project, goal), part)


@router.get(
    "/projects/{project:int}.json", response_model=m.ProjectDetail, responses={404: {"model": m.Failure}}
)
def project_json(site: Here, project: Number, goal: Goal = None) -> Response:
    """One project."""
    return as_json(project_model(site, project, goal))


ROUND = "/projects/{project:int}/rounds/{number:int}"


@router.get(ROUND, response_class=HTMLResponse, responses={404: {"model": m.Failure}})
def round_(site: Here, project: Number, number: Number, part: Part = None) -> Response:
    """One round: every update with its evidence, verdict and pay."""
    return site.html("round", round_model(site, project, number), part)


@router.get(f"{ROUND}.json", response_model=m.RoundDetail, responses={404: {"model": m.Failure}})
def round_json(site: Here, project: Number, number: Number) -> Response:
    """One round."""
    return as_json(round_model(site, project, number))


@router.get(
    "/projects/{project:int}/models", response_class=HTMLResponse, responses={404: {"model": m.Failure}}
)
def models(site: Here, project: Number, offset: Offset = 0, limit: Limit = 20) -> Response:
    """The models of a project, and how to load them."""
    return site.html("models", models_model(site, project, offset, limit))


@router.get(
    "/projects/{project:int}/models.json",
    response_model=m.ModelsDetail,
    responses={404: {"model": m.Failure}},
)
def models_json(site: Here, project: Number, offset: Offset = 0, limit: Limit = 20) -> Response:
    """The models of a project."""
    return as_json(models_model(site, project, offset, limit))


TRAINER_FAILURES: dict[int | str, dict[str, Any]] = {404: {"model": m.Failure}, 422: {"model": m.Failure}}


@router.get("/trainers/{wanted}.json", response_model=m.TrainerDetail, responses=TRAINER_FAILURES)
def trainer_json(site: Here, wanted: Wanted, offset: Offset = 0, limit: Limit = PAGE_ROWS) -> Response:
    """One trainer."""
    return as_json(trainer_model(site, wanted, offset, limit))


@router.get("/trainers/{wanted}", response_class=HTMLResponse, responses=TRAINER_FAILURES)
def trainer(
    site: Here, wanted: Wanted, offset: Offset = 0, limit: Limit = PAGE_ROWS, part: Part = None
) -> Response:
    """One trainer: seats, reputation, and why it was paid what it was paid."""
    return site.html("trainer", trainer_model(site, wanted, offset, limit), part)


@router.get("/watch", response_class=HTMLResponse)
def watch(site: Here, offset: Offset = 0, limit: Limit = PAGE_ROWS, part: Part = None) -> Response:
    """For watchers: what may still be refuted, and who was convicted."""
    return site.html("watch", watch_model(site, offset, limit), part)


@router.get("/watch.json", response_model=m.WatchDetail)
def watch_json(site: Here, offset: Offset = 0, limit: Limit = PAGE_ROWS) -> Response:
    """For watchers."""
    return as_json(watch_model(site, offset, limit))
