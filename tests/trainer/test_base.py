"""The base that a trainer rebuilds by itself: along results, through lies, and never on an unknown first model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sample_results import Results, leaf_of, weighted

from market.cid import cid_from_digest
from market.codec import MODEL, encode, leaves_of, model_root
from market.description import Description
from market.errors import ChainError, InputError, UnavailableError, UpdateError, VerificationError
from market.initial import initial_model
from trainer import base
from trainer.base import Bases


@pytest.fixture
def results(digits: Description, tmp_path: Path) -> Results:
    return Results(digits, tmp_path)


def bases(results: Results, folder: str = "models") -> Bases:
    return Bases(results.store, results.description, results.history, results.folder / folder)


# ----- the first model -----


def test_first__is_what_the_public_seed_makes(results: Results) -> None:
    assert np.array_equal(
        bases(results).first(False), initial_model(results.description)[: results.description.d]
    )


def without_seed(results: Results) -> None:
    results.description = results.description.model_copy(update={"initialiser": None})


@pytest.mark.parametrize("change", ["no seed", "another seed"])
def test_first_of_unknown_origin__refused_unless_trusted(results: Results, change: str) -> None:
    if change == "no seed":
        without_seed(results)
    else:
        other = results.description.initialiser.model_copy(update={"seed": 8})  # type: ignore[union-attr]
        results.description = results.description.model_copy(update={"initialiser": other})

    with pytest.raises(InputError, match=r"E186 first model 0x[0-9a-f]{16}\.\. .*--trust-model"):
        bases(results).model(results.root)
    assert len(bases(results).model(results.root, trust_model=True)) == results.description.d


def test_first_trusted_once__is_kept_and_not_asked_again(results: Results) -> None:
    without_seed(results)
    bases(results).model(results.root, trust_model=True)

    assert len(bases(results).model(results.root)) == results.description.d


def test_first_that_nobody_serves__unavailable(results: Results) -> None:
    content = results.history.content
    results.store.unpin(cid_from_digest(content.model_digest, MODEL.file_bytes(results.description.d)))

    with pytest.raises(UnavailableError, match="E143"):
        bases(results).first(False)


# ----- rebuilding -----


def test_model_along_several_results__is_the_posted_one(results: Results) -> None:
    for _ in range(3):
        results.honest_round()

    rebuilt = bases(results).model(results.root)

    assert np.array_equal(rebuilt, results.model[: results.description.d])
    assert model_root(encode(rebuilt, MODEL)) == results.root


def test_model_kept__needs_no_store(results: Results) -> None:
    results.honest_round()
    first = bases(results).model(results.root)
    for path in (results.folder / "store" / "objects").rglob("baf*"):
        path.unlink()

    assert np.array_equal(bases(results).model(results.root), first)


def test_model_past_an_unmerged_result__passes_it_over(results: Results) -> None:
    results.honest_round()
    base_root = results.root
    results.play({0: results.update(0)})
    results.post(results.update(1), merged=False)
    assert results.root == base_root
    results.honest_round()

    assert np.array_equal(bases(results).model(results.root), results.model[: results.description.d])


def test_model_after_a_step_of_nothing__ends(results: Results) -> None:
    results.honest_round()
    results.play({0: results.update(0)})
    results.post(np.zeros(results.description.d, dtype=np.int16))

    assert np.array_equal(bases(results).model(results.root), results.model[: results.description.d])


def test_model_of_a_liar_who_names_an_older_model__ends_in_a_refusal(results: Results) -> None:
    results.honest_round()
    older = results.root
    results.honest_round()
    results.play({0: results.update(0)})
    results.post(results.update(0), named_root=older)

    with pytest.raises(VerificationError, match="round 3: model root"):
        bases(results).model(older)


def test_model_that_no_event_made__chain_error(results: Results) -> None:
    with pytest.raises(ChainError, match="E208 no event read so far made the base 0x7777"):
        bases(results).model(b"\x77" * 32)


# ----- lies -----


def test_model_wrong_root__names_both(results: Results) -> None:
    results.honest_round()
    forged = results.model.copy()
    forged[100] += 1
    results.play({0: results.update(0)})
    results.post(np.zeros(results.description.d, dtype=np.int16), model=forged)

    with pytest.raises(VerificationError, match="E301 round 2: model root: posted 0x") as lie:
        bases(results).model(results.root)
    assert lie.value.posted == f"0x{results.root.hex()}"


def test_model_wrong_delta_root__refused_e110(results: Results) -> None:
    results.play({0: results.update(0)})
    results.post(results.update(0), delta_root=b"\x22" * 32)

    with pytest.raises(UpdateError, match="E110 root mismatch"):
        bases(results).model(results.root)


@pytest.mark.parametrize(("more", "refused"), [(-1, False), (0, False), (1, True)])
def test_model_around_the_longest_step(
    results: Results, monkeypatch: pytest.MonkeyPatch, more: int, refused: bool
) -> None:
    length = 5_000
    monkeypatch.setattr(Description, "step_limit_squared", property(lambda _: length**2))
    step = np.zeros(results.description.d, dtype=np.int16)
    step[7] = length + more
    results.play({0: results.update(0)})
    results.post(step)

    if refused:
        with pytest.raises(VerificationError, match="squared length of the step: posted 25010001"):
            bases(results).model(results.root)
    else:
        bases(results).model(results.root)


# ----- the sample -----


def test_check_sample_honest__is_silent(results: Results) -> None:
    posted, weights = results.honest_round()

    bases(results).check_sample(posted, weights)


@pytest.mark.parametrize("coefficient", [0, 1_023, 1_024, 2_409])
def test_check_sample_one_changed_coefficient__found_when_its_leaf_is_drawn(
    results: Results, coefficient: int
) -> None:
    updates = {seat: results.update(seat) for seat in range(3)}
    weights = dict.fromkeys(updates, 21_845)
    delta = weighted(updates, weights)
    delta[coefficient] += 1
    results.play(updates)
    posted = results.post(delta)
    assert leaves_of(results.description.d) < base.SAMPLE_LEAVES  # so that every leaf is drawn

    with pytest.raises(VerificationError) as lie:
        bases(results).check_sample(posted, weights)

    assert lie.value.where == f"round 1: delta, coefficient {coefficient}"
    assert (lie.value.posted, lie.value.computed) == (delta[coefficient], delta[coefficient] - 1)


def test_check_sample_other_leaf_drawn__misses_it(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a sample is: one leaf of three finds a lie in one leaf in a third of the tries."""
    monkeypatch.setattr(base, "SAMPLE_LEAVES", 1)
    updates = {seat: results.update(seat) for seat in range(3)}
    weights = dict.fromkeys(updates, 21_845)
    delta = weighted(updates, weights)
    delta[1_500] += 1
    results.play(updates)
    posted = results.post(delta)

    class Drawn:
        def __init__(self, leaf: int) -> None:
            self._leaf = leaf

        def sample(self, _: range, count: int) -> list[int]:
            return [self._leaf] * count

    for leaf in range(3):
        monkeypatch.setattr(base.secrets, "SystemRandom", lambda leaf=leaf: Drawn(leaf))
        if leaf == leaf_of(1_500):
            with pytest.raises(VerificationError, match="coefficient 1500"):
                bases(results).check_sample(posted, weights)
        else:
            bases(results).check_sample(posted, weights)


def test_check_sample_other_weights__found(results: Results) -> None:
    posted, weights = results.honest_round()

    with pytest.raises(VerificationError, match="round 1: delta, coefficient"):
        bases(results).check_sample(posted, weights | {0: weights[0] // 2})


@pytest.mark.parametrize("stranger", [3, 900])
def test_check_sample_weight_of_a_seat_that_did_not_reveal__refused(results: Results, stranger: int) -> None:
    posted, weights = results.honest_round()

    with pytest.raises(VerificationError, match=f"seat {stranger}: posted included, computed not revealed"):
        bases(results).check_sample(posted, weights | {stranger: 1})


def test_check_sample_hidden_update__unavailable(results: Results) -> None:
    posted, weights = results.honest_round()
    reveal = results.history.round(1).reveals[2]
    results.store.unpin(reveal.cid(2 * results.description.d_pad))

    with pytest.raises(UnavailableError, match="E143"):
        bases(results).check_sample(posted, weights)
