"""Charts as numbers: everything a template needs to draw an SVG without knowing what it shows.

Only the pictures are floats; the table beside each chart holds the exact values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 30
MAX_BARS = 120


@dataclass(frozen=True)
class Point:
    """One value. `x`, `y` in the picture; `name` and `text` for tool tip and table."""

    x: float
    y: float
    name: str
    text: str
    mark: str = ""
    height: float = 0.0


@dataclass(frozen=True)
class Tick:
    """A line or a label of an axis; `at` in the picture."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A picture and its table. `kind`: line or bar. `empty`: what to say when there is nothing to draw."""

    id: str
    title: str
    unit: str
    kind: str
    summary: str
    points: list[Point] = field(default_factory=list)
    path: str = ""
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    threshold: Tick | None = None
    bar: float = 0.0
    x_name: str = "round"
    empty: str = ""
    note: str = ""


@dataclass(frozen=True)
class Value:
    """One thing to draw: its place on the x axis, its size, how it is written; `mark` adds a class."""

    x: int
    y: float
    text: str
    mark: str = ""


def line_chart(
    id_: str,
    title: str,
    unit: str,
    values: Sequence[Value],
    *,
    low: float | None = None,
    high: float | None = None,
    threshold: tuple[float, str] | None = None,
    tick: Callable[[float], str] = "{:g}".format,
    empty: str = "",
    note: str = "",
) -> Chart:
    """Values over rounds. `low`, `high` fix the scale, else the values do."""
    if not values:
        return Chart(id_, title, unit, "line", empty, empty=empty or "Nothing to show yet.", note=note)
    heights = [value.y for value in values] + ([threshold[0]] if threshold else [])
    bottom = min(heights) if low is None else min(low, *heights)
    top = max(heights) if high is None else max(high, *heights)
    bottom, top = _room(bottom, top)
    first, last = values[0].x, values[-1].x
    points = [
        Point(_x(value.x, first, last), _y(value.y, bottom, top), f"round {value.x}", value.text, value.mark)
        for value in values
    ]
    path = "M" + " L".join(f"{point.x:.1f} {point.y:.1f}" for point in points) if len(points) > 1 else ""
    return Chart(
        id_,
        title,
        unit,
        "line",
        f"{title}: {values[0].text} in round {first}, {values[-1].text} in round {last}.",
        points,
        path,
        [Tick(_x(number, first, last), str(number)) for number in _whole_ticks(first, last)],
        [Tick(_y(number, bottom, top), tick(number)) for number in _ticks(bottom, top)],
        Tick(_y(threshold[0], bottom, top), threshold[1]) if threshold else None,
        note=note,
    )


def bar_chart(
    id_: str, title: str, unit: str, values: Sequence[Value], *, x_name: str = "seat", empty: str = ""
) -> Chart:
    """One bar a value, from zero up. Beyond `MAX_BARS` the table alone has all."""
    if not values or not any(value.y for value in values):
        return Chart(id_, title, unit, "bar", empty, x_name=x_name, empty=empty or "Nothing to show yet.")
    shown = values[:MAX_BARS]
    top = _room(0.0, max(value.y for value in shown))[1]
    slot = (WIDTH - LEFT - RIGHT) / len(shown)
    floor = HEIGHT - BOTTOM
    points = []
    for index, value in enumerate(shown):
        y = _y(value.y, 0.0, top)
        points.append(
            Point(
                LEFT + index * slot + slot * 0.15, y, f"{x_name} {value.x}", value.text, value.mark, floor - y
            )
        )
    step = max(1, -(-len(shown) // 16))
    ticks = [Tick(LEFT + (i + 0.5) * slot, str(shown[i].x)) for i in range(0, len(shown), step)]
    highest = max(shown, key=lambda value: value.y)
    more = f" The first {MAX_BARS} of {len(values)} are drawn." if len(values) > MAX_BARS else ""
    return Chart(
        id_,
        title,
        unit,
        "bar",
        f"{title}: highest is {x_name} {highest.x} with {highest.text}.{more}",
        points,
        "",
        ticks,
        [Tick(_y(number, 0.0, top), f"{number:g}") for number in _ticks(0.0, top)],
        bar=slot * 0.7,
        x_name=x_name,
    )


def _room(low: float, high: float) -> tuple[float, float]:
    """A scale with a little air; never of height zero."""
    size = max(abs(low), abs(high))
    if high - low < 1e-9 * max(size, 1.0):
        pad = size * 0.1 if size > 1e-6 else 1.0
        return low - (pad if low else 0.0), high + pad
    return low, high


def _x(number: int, first: int, last: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * ((number - first) / (last - first) if last > first else 0.5)


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)


def _whole_ticks(first: int, last: int) -> list[int]:
    step = next(s for s in (1, 2, 5, 10, 20, 25, 50, 100, 250, 500, 1_000, 10**9) if (last - first) / s <= 10)
    start = -(-first // step) * step
    return list(range(start, last + 1, step))


def _ticks(low: float, high: float) -> list[float]:
    """Four or five round numbers between the ends."""
    raw = (high - low) / 4
    scale = 1.0
    while scale > raw:
        scale /= 10
    while scale * 10 <= raw:
        scale *= 10
    step = next(s * scale for s in (1, 2, 2.5, 5, 10) if s * scale >= raw)
    start = -(-low // step) * step
    ticks = []
    while start <= high + 1e-9 * step:
        ticks.append(0.0 if abs(start) < step / 1e6 else round(start, 12))
        start += step
    return ticks
