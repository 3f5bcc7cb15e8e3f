"""Bytes: our own scripts and styles, and models out of a local store, checked before a byte leaves.

No address, path or CID of a visitor is ever opened: file names are looked up in a table, models by project and round.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from market.codec import MODEL, model_root
from market.errors import FairtrainError
from market.fetch import fetch_bytes
from market.index.views import ResultState
from market.store import open_store
from webapp import models as m
from webapp.guard import RefusedRequestError
from webapp.pages import MAX_ID, Here, Number, missing
from webapp.site import Site

router = APIRouter()
MAX_MODEL = 64 << 20
"""Bytes of a model that this process reads to check it; larger ones come by the command line."""
YEAR = 31_536_000
COUNTS = (ResultState.PROPOSED, ResultState.STANDING, ResultState.FINAL)


@router.get("/static/{name}", responses={404: {"model": m.Failure}})
def static(site: Here, name: Annotated[str, Path(max_length=80)]) -> Response:
    """A file of ours."""
    asset = site.pages.assets.get(name)
    if asset is None:
        raise RefusedRequestError(404, "W404", "there is no such file")
    headers = {"cache-control": f"public, max-age={YEAR}, immutable"}
    return Response(asset.data, 200, headers, asset.media)


@router.get("/favicon.ico", include_in_schema=False)
def favicon(site: Here) -> Response:
    """Browsers ask without being told to."""
    return static(site, "icon.svg")


@router.get(
    "/projects/{project:int}/models/{number:int}.i32",
    responses={404: {"model": m.Failure}, 503: {"model": m.Failure}},
)
def model(site: Here, project: Number, number: Annotated[int, Path(ge=0, le=MAX_ID)]) -> Response:
    """A model as big-endian int32, if its bytes have the root that is on chain."""
    if not site.settings.store.startswith("folder:"):
        raise RefusedRequestError(
            404, "W404", "this site serves no files; `fairtrain project model` fetches them"
        )
    cid, root, size = _model(site, project, number)
    if size > MAX_MODEL:
        raise RefusedRequestError(404, "W404", f"{size:,} bytes: use `fairtrain project model`")
    try:
        data = fetch_bytes(open_store(site.settings.store), cid, size, exact=True)
    except FairtrainError:
        raise RefusedRequestError(404, "W404", "this store does not have the file") from None
    if "0x" + model_root(data).hex() != root:
        raise RefusedRequestError(503, "W503", "the file is not the model that the chain names")
    name = f"project-{project}-round-{number}.i32"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-cache"}
    return Response(data, 200, headers, "application/octet-stream")


def _model(site: Site, project: int, number: int) -> tuple[str, str, int]:
    """(CID, root, bytes) of a model that counts."""
    if number == 0:
        found = site.facts.project(project, 1)
        if found is None:
            raise missing(f"project {project}")
        root = "0x" + found.content.model_root.hex()
        return found.model_cid, root, MODEL.file_bytes(found.params.coefficients)
    page = site.facts.round(project, number)
    result = next((one for one in page.results if one.state in COUNTS), None) if page else None
    if page is None or result is None:
        raise missing(f"a result of round {number} in project {project}")
    return result.model_cid, result.model_root, MODEL.file_bytes(page.params.coefficients)
