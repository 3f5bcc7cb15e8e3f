"""`fairtrain project model`: the model of a result, checked against its root on chain."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from numpy.typing import NDArray

from market.cid import cid_from_digest
from market.cli.context import App, common_options, pass_app
from market.cli.project.page import standing_round
from market.cli.project.values import project_argument
from market.codec import MODEL, check_model_file, check_root, decode, model_root
from market.description import Description, parameters
from market.errors import ChainError, InputError
from market.fetch import fetch_bytes
from market.observe import Observer
from market.phases import Phase
from market.ports import Store
from market.project_files import description_of
from market.snapshot import take_snapshot
from market.store.files import publish, temporary_name, write_synced

if TYPE_CHECKING:
    from market.chain.gateway import Gateway

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of files in an archive: the same model gives the same bytes."""


@dataclass(frozen=True)
class ModelFile:
    """A model of a project. `round` 0 is the first; `phase` NONE for it."""

    round: int
    phase: Phase
    root: bytes
    cid: str
    d: int

    def read(self, store: Store) -> bytes:
        """The file's bytes, checked. Raises UpdateError E110, E111, UnavailableError E143."""
        data = fetch_bytes(store, self.cid, MODEL.file_bytes(self.d), exact=True)
        check_root(model_root(data), self.root)
        return data


@click.command()
@project_argument
@click.option(
    "--round", "round_", type=click.IntRange(0), help="Of this round (else the newest that stands)."
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--format", "form", type=click.Choice(["i32", "npz"]), default="i32", show_default=True)
@common_options
@pass_app
def model(app: App, project: int, round_: int | None, output: Path, form: str) -> None:
    """Write the model of a result to a file, after checking it against its root on chain.

    i32: the market's own format, big-endian int32. npz: one int32 array a tensor, and `lsb_exponent` e; weights
    are array * 2**-e.
    """
    gateway, store = app.gateway(), app.store()
    file = model_file(gateway, project, round_)
    data = file.read(store)
    if form == "npz":
        params, content = gateway.params(project)
        data = npz(data, description_of(store, params, content))
    _write(output, data)
    if form == "i32":
        check_model_file(output, file.d, file.root)
    name = "first model" if file.round == 0 else f"model of round {file.round} ({file.phase.name})"
    app.out.line(f"{name}, root 0x{file.root.hex()} checked, {len(data)} bytes in {output}")
    if file.phase in (Phase.PROPOSED, Phase.STANDING):
        app.out.line("this result is not FINAL yet: it may still be challenged")
    app.out.line(f"next: fairtrain project evaluate {project} --test FILE")
    app.out.result(
        {"ok": True, "project": project, "round": file.round, "phase": file.phase, "file": output}
        | {"format": form, "bytes": len(data), "model_root": file.root, "cid": file.cid}
    )


def model_file(gateway: Gateway, project: int, round_: int | None = None) -> ModelFile:
    """The model of a round, by default of the newest standing result.

    Raises InputError E109 for a round without a result, ChainError E205 if the node hides its post.
    """
    params, content = gateway.params(project)
    number = standing_round(take_snapshot(gateway, project)) if round_ is None else round_
    size = MODEL.file_bytes(params.coefficients)
    if number == 0:
        cid = cid_from_digest(content.model_digest, size)
        return ModelFile(0, Phase.NONE, content.model_root, cid, params.coefficients)
    result, phase = gateway.result(project, number), gateway.phase(project, number)
    if result.commitment == bytes(32):
        what = f"round {number} of project {project} has no result that counts ({phase.name})"
        raise InputError("E109", f"{what}; `fairtrain project show {project}` lists results")
    observer = Observer(gateway, project)
    observer.refresh()
    posted = observer.history.posted(result.commitment)
    if posted is None:
        raise ChainError("E205", f"the node serves no post for round {number}; try another --rpc")
    cid = cid_from_digest(posted.post.model_digest, size)
    return ModelFile(number, phase, result.model_root, cid, params.coefficients)


def npz(data: bytes, description: Description) -> bytes:
    """The model as a NumPy archive: int32 arrays named as in `market.description.parameters`, and `lsb_exponent`."""
    values = decode(data, description.d, MODEL).astype(np.int32)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in _tensors(values, description):
            part = io.BytesIO()
            np.lib.format.write_array(part, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", EPOCH), part.getvalue())
    return buffer.getvalue()


def _tensors(values: NDArray[np.int32], description: Description) -> Iterator[tuple[str, NDArray[np.int32]]]:
    start = 0
    for parameter in parameters(description.model, description.data):
        stop = start + prod(parameter.shape)
        yield parameter.name, values[start:stop].reshape(parameter.shape)
        start = stop
    yield "lsb_exponent", np.array(description.lsb_exponent, dtype=np.int32)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, over what was there."""
    part = path.parent / temporary_name(path.name)
    try:
        write_synced([data], part)
        publish(part, path)
    except OSError as error:
        raise InputError("E108", f"{path} cannot be written: {error.strerror}") from None
