"""What happened in a project, round by round, folded from its events.

The getters of the market answer "what is"; judging, verifying and training also need "what was": who sealed
and revealed in a round, under which root and file, and what was posted. A fold over events gives that without
trusting anybody but the node that served them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from market.cid import cid_from_digest
from market.errors import ChainError
from market.events import (
    Answered,
    Asked,
    AskSettled,
    BondReleased,
    Event,
    FlatClaimed,
    ProjectCreated,
    ReferenceRevealed,
    ReferenceSealed,
    ResultCleared,
    ResultConvicted,
    ResultPosted,
    Revealed,
    RoundFinalised,
    RoundFlattened,
    RoundOpened,
    Sealed,
    TrainerLeft,
    TrainerRegistered,
    split_round_seat,
)
from market.params import Content, Params
from market.seals import add_reveal


@dataclass(frozen=True)
class Reveal:
    """One revealed update. `first`: it is its holder's first reveal (start values count); `tenure`: number of
    holders that the seat had before."""

    seat: int
    trainer: str
    root: bytes
    salt: bytes
    file_digest: bytes
    first: bool
    tenure: int

    def cid(self, size_bytes: int) -> str:
        """Where the file is: `size_bytes` is the project's update length."""
        return cid_from_digest(self.file_digest, size_bytes)


@dataclass
class AskFacts:
    """An ask and what became of it. `answer`: the bytes that hash to the root, None if nobody gave them;
    `is_open`: it waits for an answer."""

    asked: Asked
    answer: bytes | None = None
    is_open: bool = True


@dataclass
class RoundFacts:
    """Facts of one round. Seals and reveals by seat; posts in the order of the chain.

    `reference_seal`, `reference`: of the owner's reference, which is no seat: it is in neither of the two, and its
    `Reveal` names the slot behind the last seat and the key that it is signed with.
    `pot`: as reserved when the round opened, with what convictions added since, in smallest units.
    `locks`: the stored result locks a bond. `flat_taken`: seats that took their share of a FLAT round.
    """

    number: int
    base_root: bytes = b""
    pot: int = 0
    seals: dict[int, bytes] = field(default_factory=dict)
    reveals: dict[int, Reveal] = field(default_factory=dict)
    reference_seal: bytes | None = None
    reference: Reveal | None = None
    posts: list[ResultPosted] = field(default_factory=list)
    locks: bool = False
    flat: bool = False
    flat_taken: set[int] = field(default_factory=set)

    def full_pot(self, params: Params) -> int:
        """What the round distributes once REVEAL is over: the pot and the units of missed reveals."""
        missed = len(self.seals) - len(self.reveals)
        return self.pot + (missed * params.unit if 2 * len(self.reveals) >= len(self.seals) else 0)

    def reveal_sum(self) -> int:
        """The running sum over reveals, that of the reference among them, that the seed is made of."""
        total = 0
        for reveal in (*self.reveals.values(), *([self.reference] if self.reference else [])):
            total = add_reveal(total, reveal.trainer, reveal.root, reveal.salt)
        return total

    def posted(self, commitment: bytes) -> ResultPosted | None:
        """The post with this commitment."""
        return next((post for post in reversed(self.posts) if post.commitment == commitment), None)


class History:
    """The events of one project, applied in the order of the chain. Applying an event twice is a mistake."""

    def __init__(self, project: int) -> None:
        self.project = project
        self.owner = ""
        self.rounds: dict[int, RoundFacts] = {}
        self.asks: dict[int, AskFacts] = {}
        self._params: Params | None = None
        self._content: Content | None = None
        self._signers: dict[int, str] = {}
        self._has_revealed: set[int] = set()
        self._tenures: dict[int, int] = {}

    @property
    def params(self) -> Params:
        """Frozen parameters. Raises ChainError when the creation has not been seen."""
        if self._params is None:
            raise self._unknown()
        return self._params

    @property
    def content(self) -> Content:
        """Digests of description and first model."""
        if self._content is None:
            raise self._unknown()
        return self._content

    def apply(self, events: Iterable[Event]) -> None:
        """Folds further events in; those of other projects are passed over."""
        for event in events:
            if getattr(event, "project", None) == self.project:
                self._apply(event)

    def round(self, number: int) -> RoundFacts:
        """Facts of a round; empty when it has none."""
        return self.rounds.get(number) or RoundFacts(number)

    def posted(self, commitment: bytes) -> ResultPosted | None:
        """The post of any round with this commitment; None for the start."""
        return next((post for facts in self.rounds.values() if (post := facts.posted(commitment))), None)

    def posted_model(self, model_root: bytes) -> ResultPosted | None:
        """The newest merged post that made a model; None for the first model."""
        for number in sorted(self.rounds, reverse=True):
            for post in reversed(self.rounds[number].posts):
                if post.post.roots.model == model_root and post.merged:
                    return post
        return None

    def signer(self, seat: int) -> str | None:
        """Who holds a seat now."""
        return self._signers.get(seat)

    def past_tenures(self, seat: int) -> int:
        """How many holders have left a seat; also the number of its present holder's tenure."""
        return self._tenures.get(seat, 0)

    def stale(self, tip: int) -> frozenset[int]:
        """Rounds above the tip whose stored result still locks a bond."""
        return frozenset(n for n, facts in self.rounds.items() if n > tip and facts.locks)

    def flat_due(self, seat: int) -> frozenset[int]:
        """FLAT rounds whose share the present holder of a seat has not taken."""
        tenure = self.past_tenures(seat)
        return frozenset(
            number
            for number, facts in self.rounds.items()
            if facts.flat
            and seat not in facts.flat_taken
            and (reveal := facts.reveals.get(seat)) is not None
            and reveal.tenure == tenure
        )

    def seats_held(self) -> dict[int, str]:
        """Signing address by seat, now."""
        return dict(self._signers)

    def _apply(self, event: Event) -> None:
        match event:
            case ProjectCreated():
                self._params, self._content, self.owner = event.params, event.content, event.owner
            case TrainerRegistered():
                self._signers[event.seat] = event.signer
            case TrainerLeft():
                self._signers.pop(event.seat, None)
                self._has_revealed.discard(event.seat)
                self._tenures[event.seat] = self._tenures.get(event.seat, 0) + 1
            case RoundOpened():
                facts = self.rounds.setdefault(event.round, RoundFacts(event.round))
                facts.base_root, facts.pot = event.base_root, event.pot
            case Sealed():
                number, seat = split_round_seat(event.round_seat)
                self.rounds[number].seals[seat] = event.seal
            case Revealed():
                self._reveal(event)
            case ReferenceSealed():
                self.rounds[event.round].reference_seal = event.seal
            case ReferenceRevealed():
                self._reveal_reference(event)
            case ResultPosted():
                facts = self.rounds[event.round]
                facts.posts.append(event)
                facts.locks = True
            case BondReleased() | RoundFinalised() | ResultCleared():
                self.rounds[event.round].locks = False
            case RoundFlattened():
                self.rounds[event.round].flat = True
                self.rounds[event.round].locks = False
            case FlatClaimed():
                self.rounds[event.round].flat_taken.add(event.seat)
            case ResultConvicted():
                self.rounds[event.round].pot += event.to_pot
                self.rounds[event.round].locks = False
            case Asked():
                self.asks[event.id] = AskFacts(event)
            case Answered():
                self.asks[event.id].answer = event.answer
                self.asks[event.id].is_open = False
            case AskSettled():
                self.asks[event.id].is_open = False
            case _:
                pass

    def _reveal(self, event: Revealed) -> None:
        number, seat = split_round_seat(event.round_seat)
        self.rounds[number].reveals[seat] = Reveal(
            seat=seat,
            trainer=self._signers[seat],
            root=event.update_root,
            salt=event.salt,
            file_digest=event.file_digest,
            first=seat not in self._has_revealed,
            tenure=self.past_tenures(seat),
        )
        self._has_revealed.add(seat)

    def _reveal_reference(self, event: ReferenceRevealed) -> None:
        self.rounds[event.round].reference = Reveal(
            seat=self.params.seats,
            trainer=self.params.reference_key,
            root=event.update_root,
            salt=event.salt,
            file_digest=event.file_digest,
            first=False,
            tenure=0,
        )

    def _unknown(self) -> ChainError:
        return ChainError(
            "E205",
            f"project {self.project} is not in the events read; see `fairtrain project list`",
        )
