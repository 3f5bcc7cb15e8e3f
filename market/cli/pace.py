"""How often a daemon looks, and how long it leaves to others what anybody may send."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from market.node import Pace

F = TypeVar("F", bound=Callable[..., Any])


def pace_options(chores_s: float = Pace.chores_s) -> Callable[[F], F]:
    """Adds --poll and --chores (default `chores_s`); the command takes `pace: Pace`."""

    def add(command: F) -> F:
        @wraps(command)
        def collect(**arguments: Any) -> Any:
            return command(pace=Pace(arguments.pop("poll"), arguments.pop("chores")), **arguments)

        seconds = click.FloatRange
        options = (
            click.option(
                "--poll", type=seconds(0.05), default=Pace.poll_s, show_default=True, help="Seconds between looks."
            ),
            click.option(
                "--chores", type=seconds(0), default=chores_s, show_default=True,
                help="Seconds that calls of anybody are left to others.",
            ),
        )  # fmt: skip
        for option in reversed(options):
            option(collect)
        return collect  # type: ignore[return-value]

    return add
