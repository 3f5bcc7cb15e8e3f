"""Ray as the engine of both passes: `aggregator run --engine ray`. The only module that imports it.

Without an address it starts a cluster of this machine's cores; `RAY_ADDRESS` names another, whose machines see the
data folder under the same path. A worker that dies is replaced and its range done again, three times at most.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.shards import Sharded
from market.errors import InputError, UpdateError

_RETRIES: Final = 3
_AHEAD: Final = 2
"""Ranges under way for each worker: more only fill the memory that results wait in."""


@dataclass(frozen=True)
class _Refusal:
    """An UpdateError on its way between processes, where exceptions of several arguments get lost."""

    code: str
    text: str


def _told(work: Callable[[Any], Any], task: Any) -> Any:
    try:
        return work(task)
    except UpdateError as error:
        return _Refusal(error.code, error.text)


class RayRun:
    """Spreads tasks over the workers of a cluster, results in the order of the tasks.

    `workers`: how many to start on this machine, by default its cores; without meaning where `RAY_ADDRESS` is set.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._ray = _ray()
        if not self._ray.is_initialized():
            # Nobody is told how this program is used, and no page is served.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
            if not os.environ.get("RAY_ADDRESS"):
                options |= {"num_cpus": workers or os.cpu_count(), "include_dashboard": False}
            self._ray.init(**options)

    def __call__(self, work: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
        """Results of `work` on all tasks. Raises UpdateError where the work does."""
        remote = self._ray.remote(max_retries=_RETRIES)(_told)
        limit = _AHEAD * max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        waiting: list[Any] = []
        for task in tasks:
            waiting.append(remote.remote(work, task))
            if len(waiting) == limit:
                yield self._result(waiting.pop(0))
        while waiting:
            yield self._result(waiting.pop(0))

    def _result(self, reference: Any) -> Any:
        result = self._ray.get(reference)
        if isinstance(result, _Refusal):
            raise UpdateError(result.code, result.text)
        return result

    def close(self) -> None:
        """Stop what was started here."""
        self._ray.shutdown()


def ray_engine() -> Sharded:
    """The engine. Raises InputError E193 where Ray is not installed."""
    return Sharded(RayRun())


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        hint = 'pip install "fairtrain[scale]", or take --engine local'
        raise InputError("E193", f"engine ray: the package ray is not installed: {hint}") from None
    return ray
