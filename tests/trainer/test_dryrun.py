"""The dry run: what a trainer learns before any stake is sent."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from sample_projects import DIGITS, described

from market.description import parse
from market.errors import DocumentError, InputError, UpdateError
from market.initial import initial_model
from trainer.dryrun import dry_run

SEED = bytes(32)


def test_dry_run__learns_and_reports_plain_figures(digits, shard):
    outcome = dry_run(digits, shard, SEED, rounds=8)
    assert outcome == dry_run(digits, shard, SEED, rounds=8)
    assert outcome.loss_after < outcome.loss_before
    assert outcome.accuracy_after > outcome.accuracy_before
    assert (outcome.samples, outcome.parameters, outcome.rounds) == (len(shard), 2_410, 8)
    assert outcome.held_out == round(len(shard) / 5)
    assert outcome.saturated <= 0.001
    assert 0 < outcome.vanished < 0.05
    assert 0 < outcome.update_norm < outcome.step_bound
    assert outcome.warnings == ()
    json.dumps(asdict(outcome))


def test_dry_run_from_a_base__leaves_it_alone(digits, shard):
    base = initial_model(digits)
    before = base.copy()
    assert dry_run(digits, shard, SEED, base=base) == dry_run(digits, shard, SEED)
    assert np.array_equal(base, before)


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"lsb_exponent": 8, "training": {"learning_rate": "0.01"}}, "coefficients round to zero"),
        ({"training": {"step_bound": "0.1"}}, "reaches the project's step bound of 0.1"),
        ({"training": {"learning_rate": "0.000000001"}, "lsb_exponent": 8}, "did not lower the loss"),
    ],
)
def test_dry_run_questionable__warns(shard, changes, warning):
    assert warning in " ".join(dry_run(described(**changes), shard, SEED).warnings)


def test_dry_run_saturating__refuses(shard):
    with pytest.raises(UpdateError, match=r"E123 value .* exceeds \+-0\.031249; rescale or clip explicitly"):
        dry_run(described(lsb_exponent=20), shard, SEED)


@pytest.mark.parametrize(("count", "is_fine"), [(4, False), (5, True)])
def test_dry_run_around_5_samples__refuses_only_below(digits, shard, count, is_fine):
    few = shard.take(np.arange(count))
    if is_fine:
        assert dry_run(digits, few, SEED).held_out == 1
    else:
        with pytest.raises(InputError, match="E126 4 samples are too few to hold some out, at least 5"):
            dry_run(digits, few, SEED)


def test_dry_run_without_first_model__refuses(shard):
    unseeded = parse(json.dumps({key: DIGITS[key] for key in DIGITS if key != "initialiser"}).encode())
    with pytest.raises(DocumentError, match="E183"):
        dry_run(unseeded, shard, SEED)
