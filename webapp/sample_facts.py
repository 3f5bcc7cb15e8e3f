"""An index that was made up: what `/patterns`, screenshots and tests of pages read instead of a database."""

from __future__ import annotations

from dataclasses import replace

from market.claims import AccountProof
from market.index import views as v
from market.phases import Phase
from market.records import Account, Opening
from market.tokens import TokenFacts
from market.units import NATIVE
from webapp.samples import (
    HOSTILE,
    NOW,
    TOKEN,
    ask_row,
    conviction,
    health,
    in_token,
    model_rows,
    project_page,
    project_row,
    result_row,
    round_page,
    trainer_page,
    who,
)


class SampleFacts:
    """An index that holds the samples: project 1 runs, 2 has a hostile title, 3 has no description and no round, 4 pays
    in a token of six decimals."""

    def __init__(self, **health_changes: object) -> None:
        self._health = health(**health_changes)

    def health(self) -> v.Health:
        """As made."""
        return self._health

    def version(self) -> str:
        """Never changes."""
        return "samples"

    def token(self, address: str) -> TokenFacts | None:
        """The token of project 4, and the native coin."""
        return {NATIVE: TokenFacts(), TOKEN.address: TOKEN}.get(address)

    def account_proof(self, project: int, seat: int) -> tuple[int, AccountProof] | None:
        """Of project 1: of the right form, proving nothing."""
        if project != 1 or seat > 10:
            return None
        return 4, AccountProof(Account(8_192, 10**16, 0), Opening(*(b"\7" * 32,) * 3), (b"\1" * 32,) * 4)

    def projects(self, offset: int = 0, limit: int = 20) -> v.Page[v.ProjectRow]:
        """One in each phase."""
        phases = list(Phase)
        rows = [project_row(1 + n, phase) for n, phase in enumerate(phases)]
        rows[1] = project_row(2, Phase.STANDING, HOSTILE)
        rows[2] = project_row(3, Phase.NONE, "")
        rows.append(project_row(len(phases) + 1, Phase.FINAL, "An older one", "refunded"))
        newest_first = rows[::-1]
        return v.Page(newest_first[offset : offset + limit], len(rows), offset, limit)

    def project(self, number: int, rounds: int = 20) -> v.ProjectPage | None:
        """Projects 1 to 4."""
        made = {
            1: lambda: project_page(),
            2: lambda: project_page(phase=Phase.COMMIT, title=HOSTILE),
            3: lambda: project_page(rounds=0, title=""),
            4: lambda: in_token(project_page()),
        }
        return replace(made[number](), number=number) if number in made else None

    def round(self, project: int, number: int) -> v.RoundPage | None:
        """Rounds 1 to 7 of every project, all alike."""
        return round_page() if project in (1, 2) and 1 <= number <= 7 else None

    def trainer(self, address: str, offset: int = 0, limit: int = 50) -> v.TrainerPage | None:
        """Seats 0 to 10 of project 1."""
        seat = next((n for n in range(11) if who(n) == address), None)
        return None if seat is None else trainer_page(seat)

    def watch(self, offset: int = 0, limit: int = 50) -> v.WatchPage:
        """Two open windows and a conviction."""
        return v.WatchPage(
            NOW,
            v.Page([result_row(6), result_row(7)], 2, offset, limit),
            [ask_row()],
            v.Page([conviction()], 1, offset, limit),
            [],
        )

    def models(self, project: int, offset: int = 0, limit: int = 20) -> v.Page[v.ModelRow]:
        """Four models."""
        rows = model_rows()
        return v.Page(rows[offset : offset + limit], len(rows), offset, limit)


class EmptyFacts(SampleFacts):
    """An index before its first block."""

    def __init__(self) -> None:
        super().__init__(state="empty", block=0, block_hash="", block_time=0, head=0)

    def projects(self, offset: int = 0, limit: int = 20) -> v.Page[v.ProjectRow]:
        """None."""
        return v.Page([], 0, offset, limit)

    def project(self, number: int, rounds: int = 20) -> v.ProjectPage | None:
        """None."""
        return None

    def watch(self, offset: int = 0, limit: int = 50) -> v.WatchPage:
        """Nothing."""
        return v.WatchPage(NOW, v.Page([], 0, offset, limit), [], v.Page([], 0, offset, limit), [])
