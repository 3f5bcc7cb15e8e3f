"""Both passes in shards: the bytes of one process, whatever the ranges; the same refusals; a lost worker changes
nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_rounds import Project, honest_updates

from aggregator.judge import LOCAL, Engine, Judgement, RoundInputs, judge
from aggregator.shard_work import pieces
from aggregator.shards import Sharded
from market.bulk import leaf_hashes
from market.codec import LEAF, UPDATE, leaves_of
from market.errors import InputError, UpdateError
from market.merkle import TreeBuilder, depth_for, root_of

RANGE = 256
"""The least range: 262,144 coefficients."""
CASE = (3 * RANGE * LEAF, 5, 3)
"""Coefficients, seats and the absent seat of the round on a cluster."""


def here(work: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
    """Every task twice, as after the loss of a worker whose range was nearly done."""
    for task in tasks:
        work(task)
        yield work(task)


def judged(inputs: RoundInputs, folder: Path, engine: Engine) -> tuple[Judgement, dict[str, bytes]]:
    """A judgement and the bytes of its files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    judgement = judge(inputs, folder, engine=engine)
    return judgement, {name: (folder / name).read_bytes() for name in ("delta.bin", "model.bin", "sums.bin")}


def digests(files: dict[str, bytes]) -> dict[str, str]:
    """What names the bytes of files."""
    return {name: sha256(data).hexdigest() for name, data in files.items()}


def two_rounds(folder: Path, d: int, seats: int, left_out: int) -> tuple[Project, RoundInputs]:
    """A project after one round, and the inputs of the second, one seat absent."""
    project, rng = Project(folder, d, seats), np.random.default_rng(4)
    project.round(honest_updates(d, range(seats), rng))
    present = [seat for seat in range(seats) if seat != left_out]
    return project, project.inputs(honest_updates(d, present, rng))


@pytest.mark.parametrize(
    ("d", "seats"),
    [
        (RANGE * LEAF - 1, 5),
        (RANGE * LEAF, 5),
        (RANGE * LEAF + 1, 5),
        (RANGE * LEAF + 5_000, 13),  # with a columns tree
        (3_000, 5),
    ],
)
@pytest.mark.parametrize("merged", [True, False])
def test_judge_in_shards__equals_one_process_to_the_bit(
    tmp_path: Path, d: int, seats: int, merged: bool
) -> None:
    _, inputs = two_rounds(tmp_path, d, seats, 3)
    inputs = replace(inputs, merged=merged)

    one, files = judged(inputs, tmp_path / "one", LOCAL)
    two, same_files = judged(inputs, tmp_path / "two", Sharded(here, RANGE))

    assert two.roots == one.roots
    assert same_files == files
    assert two.paid == one.paid
    assert two.step_roots == one.step_roots


def test_sums_that_wrap__equal_one_process(tmp_path: Path) -> None:
    """Running sums pass 2^31 for files made after the seed; a range adds what comes before it modulo 2^32."""
    d, project = 2 * RANGE * LEAF, Project(tmp_path, 2 * RANGE * LEAF, 4)
    inputs = project.inputs({seat: np.full(d, 32767, np.int16) for seat in range(4)})
    before = np.full((1, 256), 2**31 - 1, np.int32)

    one, files = judged(inputs, tmp_path / "one", LOCAL)
    two, same_files = judged(inputs, tmp_path / "two", Sharded(here, RANGE))

    assert (two.roots, same_files) == (one.roots, files)
    assert (before + np.ones((1, 256), np.int32) == -(2**31)).all()


@pytest.mark.parametrize(("case", "code"), [("root", "E110"), ("length", "E101"), ("padding", "E111")])
def test_judge_in_shards_of_a_wrong_file__refused_as_in_one_process(
    tmp_path: Path, case: str, code: str
) -> None:
    project = Project(tmp_path, 3_000, 4)
    inputs = project.inputs(honest_updates(3_000, range(4), np.random.default_rng(1)))
    path = inputs.updates[1].path
    data = bytearray(path.read_bytes())
    if case == "root":
        data[7] ^= 1
    elif case == "length":
        data += bytes(2)
    else:
        data[-1] = 1
    path.write_bytes(bytes(data))

    for engine in (LOCAL, Sharded(here, RANGE)):
        with pytest.raises(UpdateError, match=code):
            judged(inputs, tmp_path / "out", engine)


def test_judge_in_shards_of_a_file_that_changes__refused(tmp_path: Path) -> None:
    """Between the look at all files and the work on a range."""
    d = RANGE * LEAF * 2
    project = Project(tmp_path, d, 4)
    inputs = project.inputs(honest_updates(d, range(4), np.random.default_rng(1)))

    def late(work: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
        os.utime(inputs.updates[2].path, ns=(1, 1))
        return (work(task) for task in tasks)

    with pytest.raises(UpdateError, match="E131"):
        judged(inputs, tmp_path / "out", Sharded(late, RANGE))


@pytest.mark.parametrize("leaves", [0, 1, 255, 257, 384])
def test_sharded_ranges_that_are_no_subtrees__refused(leaves: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        Sharded(here, leaves)


@pytest.mark.parametrize(
    ("files", "leaves"), [(1, 1 << 19), (64, 1 << 13), (1000, 512), (2048, 256), (9999, 256)]
)
def test_ranges_of_many_files__hold_a_gibibyte_or_the_least(files: int, leaves: int) -> None:
    d = 1 << 30

    found = list(Sharded(here).ranges(d, files))

    assert found[0] == (0, leaves)
    assert sum(count for _, count in found) == leaves_of(d)
    assert all(first % leaves == 0 for first, _ in found)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 255, 256])
def test_pieces_of_a_range__make_the_root_of_its_leaves(count: int) -> None:
    data = np.random.default_rng(0).integers(0, 256, (count, UPDATE.leaf_bytes()), dtype=np.uint8)
    hashes, tree = leaf_hashes(0, data), TreeBuilder(depth_for(256))

    for hash_, level in pieces(hashes):
        tree.push(hash_, level)

    assert tree.root() == root_of((row.tobytes() for row in hashes), depth_for(256))


# ----- on a real cluster -----


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("ray") is None, reason='needs the extra "scale": pip install "fairtrain[scale]"'
)
def test_judge_on_ray__equals_one_process_survives_killed_workers_and_refuses(tmp_path: Path) -> None:
    """In a process of its own: a cluster of two workers leaves processes and warnings behind that are not ours."""
    _, inputs = two_rounds(tmp_path, *CASE)
    one, files = judged(inputs, tmp_path / "one", LOCAL)

    child = subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__).with_name("on_ray.py")), str(tmp_path / "ray")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert child.returncode == 0, child.stderr[-2000:]
    said = json.loads(child.stdout.splitlines()[-1])
    expected = {"roots": [root.hex() for root in one.roots.to_abi()], "files": digests(files)}
    assert said["quiet"] == said["killed"] == expected
    assert said["workers killed"] == 3  # one in each pass, one in the hashing of running sums
    assert said["refused"] == "E110"


def test_ray_engine_without_the_package__refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from aggregator.cli import engine_of

    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(InputError, match=r"E193 .*fairtrain\[scale\]"):
        engine_of("ray")
    assert engine_of("local") is LOCAL
