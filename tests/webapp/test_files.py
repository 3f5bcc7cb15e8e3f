"""Models out of a folder store: by project and round alone, and only if the bytes are the chain's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from market.codec import MODEL, encode, model_root
from market.index import views as v
from market.store import FolderStore
from tests.webapp.conftest import Open
from webapp.sample_facts import SampleFacts
from webapp.samples import PARAMS

DATA = encode(np.arange(PARAMS.coefficients, dtype=np.int32), MODEL)


class StoredFacts(SampleFacts):
    """Round 6 has a result whose model is `cid`, under `root`."""

    def __init__(self, cid: str, root: str) -> None:
        super().__init__()
        self.cid, self.root = cid, root

    def round(self, project: int, number: int) -> v.RoundPage | None:
        found = super().round(project, number)
        if found is None:
            return None
        results = [replace(one, model_cid=self.cid, model_root=self.root) for one in found.results]
        return replace(found, results=results)


@pytest.fixture
def cid(tmp_path: Path) -> str:
    """The model's CID in the store of the site."""
    return FolderStore(tmp_path / "store").put(DATA)


def test_model_of_a_result__is_its_bytes(open_site: Open, cid: str) -> None:
    answer = open_site(StoredFacts(cid, "0x" + model_root(DATA).hex())).get("/projects/1/models/6.i32")

    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["content-disposition"] == 'attachment; filename="project-1-round-6.i32"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_model_under_another_root__refuses(open_site: Open, cid: str) -> None:
    answer = open_site(StoredFacts(cid, "0x" + "11" * 32)).get("/projects/1/models/6.i32")

    assert answer.status_code == 503
    assert DATA[:64] not in answer.content


def test_model_that_the_store_lacks__404(open_site: Open) -> None:
    for path in ("/projects/1/models/6.i32", "/projects/1/models/0.i32", "/projects/1/models/99.i32"):
        assert open_site().get(path).status_code == 404


def test_model_from_a_kubo_store__is_never_fetched_by_the_site(open_site: Open, cid: str) -> None:
    site = open_site(StoredFacts(cid, "0x" + model_root(DATA).hex()), store="kubo:/ip4/127.0.0.1/tcp/1")

    assert site.get("/projects/1/models/6.i32").status_code == 404


@pytest.mark.parametrize(
    "path", ["/projects/1/models/-1.i32", "/projects/1/models/x.i32", "/projects/1/models/..%2f.i32"]
)
def test_model_of_no_number__404(open_site: Open, path: str) -> None:
    assert open_site().get(path).status_code == 404
