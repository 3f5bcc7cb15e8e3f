"""A round on a real Ray cluster of two workers, for `test_shards`: prints roots and digests of files as JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from test_shards import CASE, RANGE, digests, judged, two_rounds

from aggregator.judge import RoundInputs
from aggregator.ray_engine import RayRun
from aggregator.shards import Sharded
from market.errors import UpdateError


def dies_once(marker: str, work: Callable[[Any], Any], task: Any) -> Any:
    """Does its work, and kills its own process before it can say so, the first time."""
    done = work(task)
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return done
    os.kill(os.getpid(), signal.SIGKILL)


def said(inputs: RoundInputs, folder: Path, run: Any) -> dict[str, Any]:
    """What a judgement on the cluster came to."""
    judgement, files = judged(inputs, folder, Sharded(run, RANGE))
    return {"roots": [root.hex() for root in judgement.roots.to_abi()], "files": digests(files)}


def main(folder: Path) -> None:
    """Once undisturbed, once with a worker killed in each part of the work, once with a file that is wrong."""
    folder.mkdir()
    _, inputs = two_rounds(folder, *CASE)
    cluster, markers = RayRun(workers=2), list[str]()

    def murderous(work: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
        markers.append(str(folder / f"killed-{len(markers)}"))
        return cluster(partial(dies_once, markers[-1], work), tasks)

    out = {
        "quiet": said(inputs, folder / "out", cluster),
        "killed": said(inputs, folder / "out", murderous),
        "workers killed": sum(Path(marker).exists() for marker in markers),
    }
    with inputs.updates[1].path.open("r+b") as file:
        file.write(b"\x7f\xff")
    try:
        said(inputs, folder / "out", cluster)
    except UpdateError as error:
        out["refused"] = error.code
    cluster.close()
    print(json.dumps(out))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
