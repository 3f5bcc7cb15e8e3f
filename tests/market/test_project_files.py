"""Description, folder and lock of a participant: checked against the chain, apart for each market, held by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sample_events import CONTENT, MARKET, PARAMS

from market.cid import digest
from market.claims import Place
from market.description import parse
from market.errors import DocumentError, InputError, UnavailableError
from market.params import Content, Params
from market.project_files import description_of, only_one, project_folder
from market.store.folder import FolderStore

FLOWERS = {
    "version": 1,
    "name": "flowers",
    "title": "Iris",
    "model": {"kind": "mlp", "hidden": []},
    "data": {"shape": [4], "labels": ["0", "1", "2"]},
}


def params_with(coefficients: int) -> Params:
    return Params(**{**PARAMS.__dict__, "coefficients": coefficients})


def published(store: FolderStore, data: bytes) -> Content:
    return Content(digest(store.put(data)), CONTENT.model_digest, CONTENT.model_root)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def test_description_of__is_what_the_creation_names(store: FolderStore) -> None:
    made = parse(json.dumps(FLOWERS).encode())

    assert description_of(store, params_with(15), published(store, made.to_bytes())) == made


@pytest.mark.parametrize("coefficients", [14, 16])
def test_description_of_another_model__refused_e184(store: FolderStore, coefficients: int) -> None:
    content = published(store, parse(json.dumps(FLOWERS).encode()).to_bytes())

    with pytest.raises(DocumentError, match=f"E184 .* 15 parameters, the contract {coefficients}"):
        description_of(store, params_with(coefficients), content)


def test_description_of_rubbish__refused_e180(store: FolderStore) -> None:
    with pytest.raises(DocumentError, match="E180"):
        description_of(store, params_with(15), published(store, b"{}"))


def test_description_of_what_nobody_serves__unavailable(store: FolderStore) -> None:
    with pytest.raises(UnavailableError, match="E143"):
        description_of(store, params_with(15), CONTENT)


def test_project_folder__one_for_each_chain_market_project_and_role(tmp_path: Path) -> None:
    places = [Place(1, MARKET), Place(2, MARKET), Place(1, "0x" + "5b" * 20)]
    wanted = [(place, project, role) for place in places for project in (1, 2) for role in ("a", "b")]

    folders = [project_folder(tmp_path, *one) for one in wanted]

    assert len(set(folders)) == len(wanted)
    assert all(folder.is_dir() for folder in folders)
    assert project_folder(tmp_path, *wanted[0]) == folders[0]


def test_only_one_second_holder__refused_e129_until_the_first_ends(tmp_path: Path) -> None:
    refused = pytest.raises(InputError, match="E129 a trainer runs already")
    with only_one(tmp_path, "a trainer"), refused, only_one(tmp_path, "a trainer"):
        pytest.fail("held twice")

    with only_one(tmp_path, "a trainer"):
        pass


def test_only_one_holder_fails__lock_is_free_again(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), only_one(tmp_path, "a trainer"):
        raise RuntimeError

    with only_one(tmp_path, "a trainer"):
        pass
