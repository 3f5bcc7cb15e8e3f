"""Where a round is, in words: the timeline, the countdown's target and the progress beside its quorum."""

from __future__ import annotations

from market.index.views import RoundRow
from market.params import Params
from market.phases import Phase
from webapp.models import Hero, Progress, Step
from webapp.text import plural, span

WORDS: dict[Phase, str] = {phase: phase.name.lower() for phase in Phase}
"""Phase -> the word that templates, style sheets and JSON use."""

_COURSE = (Phase.COMMIT, Phase.REVEAL, Phase.AGGREGATE, Phase.STANDING, Phase.FINAL)
_TITLES = {
    Phase.COMMIT: "Train and seal",
    Phase.REVEAL: "Reveal",
    Phase.AGGREGATE: "Aggregate",
    Phase.STANDING: "Open to challenge",
    Phase.FINAL: "Paid",
}
_ENDS = {Phase.FLAT: "Shared equally", Phase.VOID: "Void"}


def hero_of(row: RoundRow | None, params: Params, state: str, due_open: bool = False) -> Hero:
    """The newest round of a project, or one round by itself. `row` is None before the first round."""
    if row is None:
        return _before(params, state, due_open)
    return Hero(
        round=row.number,
        phase=WORDS[row.phase],
        ends_at=row.ends_at,
        headline=_headline(row, params),
        sentence=_sentence(row, params, state),
        steps=_steps(row, params),
        progress=progress_of(row, params),
    )


def _before(params: Params, state: str, due_open: bool) -> Hero:
    if state != "running":
        sentence = "The project ended before its first round."
    elif due_open:
        sentence = "Everything is there: anybody may open the first round now."
    else:
        sentence = "The first round opens as soon as the escrow covers one pot; trainers may join already."
    steps = [Step(WORDS[phase], _TITLES[phase], "next", None, "") for phase in _COURSE]
    return Hero(0, WORDS[Phase.NONE], None, "No round yet", sentence, steps, None)


_HEADLINES = {
    Phase.NONE: "No round yet",
    Phase.COMMIT: "Trainers are training",
    Phase.REVEAL: "Updates are being revealed",
    Phase.AGGREGATE: "Waiting for a result",
    Phase.PROPOSED: "An incomplete result is proposed",
    Phase.STANDING: "The result stands; anybody may check it",
    Phase.FINAL: "Final: pay can be claimed",
    Phase.FLAT: "No result came in time: the pot is shared equally",
}
_SENTENCES = {
    Phase.NONE: "",
    Phase.REVEAL: "Whoever sealed now publishes the update. A missed reveal costs one unit of stake.",
    Phase.AGGREGATE: "A bonded aggregator judges the updates and posts weights, pay and model. "
    "Without a result in time, the pot is shared equally.",
    Phase.PROPOSED: "It leaves out something that was revealed; a more complete one may replace it until it stands.",
    Phase.STANDING: "The next round builds on it already. "
    "Pay becomes final when the window closes and the rounds below are final.",
    Phase.FLAT: "Each revealed seat may take the same share. The model stays as it was.",
    Phase.VOID: "The pot goes back to the escrow. Stakes are untouched.",
}


def _headline(row: RoundRow, params: Params) -> str:
    if row.phase is Phase.VOID:
        few = row.view.seal_count < params.min_seals
        return "Too few seals: the round is void" if few else "Nobody revealed: the round is void"
    return _HEADLINES[row.phase]


def _sentence(row: RoundRow, params: Params, state: str) -> str:
    if row.phase is Phase.COMMIT:
        waits = " It waits for the owner's reference too." if row.view.reference_awaited else ""
        return f"A seal needs one update, trained on the model below. {_early(row, params)}{waits}"
    if row.phase is Phase.FINAL:
        running = state == "running"
        return (
            "The next round opens as soon as the escrow covers its pot."
            if running
            else "No further round opens."
        )
    return _SENTENCES[row.phase]


def _early(row: RoundRow, params: Params) -> str:
    view, needed = row.view, params.min_seals
    if row.number == 1:
        return f"Ends early once {params.expected_seats} have sealed."
    if view.active_left:
        return f"Ends early once {plural(view.active_left, 'more active seat')} sealed and at least {needed} have."
    return f"Ends early once at least {needed} have sealed."


def progress_of(row: RoundRow, params: Params) -> Progress | None:
    """Seals beside the minimum while sealing, reveals beside seals afterwards."""
    view, least = row.view, params.min_seals
    if row.phase is Phase.COMMIT or (row.phase is Phase.VOID and view.seal_count < least):
        goal = params.expected_seats if row.number == 1 else view.seal_count + view.active_left
        return Progress(
            view.seal_count, least, max(goal, least, view.seal_count), "sealed", _seals_text(row, least)
        )
    half = -(-view.seal_count // 2)
    return Progress(view.reveal_count, half, max(view.seal_count, 1), "revealed", _reveals_text(row, half))


def _seals_text(row: RoundRow, least: int) -> str:
    count = row.view.seal_count
    if count >= least:
        return f"{plural(count, 'seal')}: the minimum of {least} is met."
    verb = "is" if row.phase is Phase.COMMIT else "was"
    return f"{count} of {least} needed; below {least} the round {verb} void."


def _reveals_text(row: RoundRow, half: int) -> str:
    seals, reveals = row.view.seal_count, row.view.reveal_count
    missing = seals - reveals
    if not missing:
        return f"All {seals} sealed updates are revealed."
    if row.phase is Phase.REVEAL:
        return f"{reveals} of {seals} revealed; from {half} on, each missing seat loses one unit."
    if reveals >= half:
        return f"{plural(missing, 'seat')} did not reveal and lost one unit{' each' if missing > 1 else ''}."
    return f"Only {reveals} of {seals} revealed: the network is blamed, nobody loses a unit."


def _steps(row: RoundRow, params: Params) -> list[Step]:
    """The course of a round with its own end: FLAT and VOID replace what no longer happens."""
    reached = _reached(row, params)
    steps = []
    for index, phase in enumerate(_COURSE):
        if row.phase in _ENDS and index == reached:
            steps.append(Step(WORDS[row.phase], _ENDS[row.phase], "now", None, "end of this round"))
            break
        shown = row.phase if row.phase is Phase.PROPOSED and phase is Phase.AGGREGATE else phase
        place = "done" if index < reached else "now" if index == reached else "next"
        title = "Proposed" if shown is Phase.PROPOSED else _TITLES[phase]
        steps.append(Step(WORDS[shown], title, place, _at(row, phase), _window(params, phase)))
    return steps


def _reached(row: RoundRow, params: Params) -> int:
    match row.phase:
        case Phase.VOID:
            return 1 if row.view.seal_count < params.min_seals else 2
        case Phase.FLAT:
            return 3
        case Phase.PROPOSED:
            return 2
        case _:
            return _COURSE.index(row.phase) if row.phase in _COURSE else 0


def _at(row: RoundRow, phase: Phase) -> int | None:
    """When a step ends or ended, as far as it is known."""
    match phase:
        case Phase.COMMIT:
            return row.view.commit_end or None
        case Phase.REVEAL:
            return row.view.reveal_end or None
        case Phase.AGGREGATE:
            return row.result.stands_at or (row.ends_at if row.phase is Phase.AGGREGATE else None)
        case Phase.STANDING:
            return row.ends_at if row.phase is Phase.STANDING else None
        case _:
            return None


def _window(params: Params, phase: Phase) -> str:
    windows = params.windows
    match phase:
        case Phase.COMMIT:
            return f"at most {span(windows.commit)}"
        case Phase.REVEAL:
            return f"at most {span(windows.reveal)}"
        case Phase.AGGREGATE:
            return f"else shared after {span(windows.dead)}"
        case Phase.STANDING:
            return f"for {span(windows.challenge)}"
        case _:
            return "fee, pay, rest to escrow"
