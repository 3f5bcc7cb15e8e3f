"""From a configuration back to the form's fields: reading them again gives the same configuration and hash."""

from __future__ import annotations

from market.configuration import Configuration
from market.description import Cnn
from market.errors import InputError
from market.units import NATIVE
from webapp.form_terms import WINDOW_NAMES
from webapp.reader import plain_amount, plain_duration
from webapp.text import Coin


def fields_of(made: Configuration, coin: Coin) -> dict[str, str]:
    """Every field written out, amounts in `coin`. InputError E183 for a description whose first model is a file."""
    if made.description.initialiser is None:
        raise InputError(
            "E183", "the first model is a file of yours; use `fairtrain project create --model FILE`"
        )
    return {**_what(made), **_model(made), **_terms(made, coin)}


def _what(made: Configuration) -> dict[str, str]:
    data = made.description.data
    table = len(data.shape) == 1
    labels = list(data.labels)
    return {
        "title": made.description.title,
        "name": made.description.name,
        "features": str(data.shape[0]) if table else "",
        "image": "" if table else "x".join(map(str, data.shape)),
        "labels": ("\n" if any("," in label for label in labels) else ", ").join(labels),
        "subtract": data.subtract if isinstance(data.subtract, str) else ",".join(data.subtract),
        "divide_by": data.divide_by if isinstance(data.divide_by, str) else ",".join(data.divide_by),
        "goal": plain_amount(made.goal_ppm, 4) if made.goal_ppm else "",
    }


def _model(made: Configuration) -> dict[str, str]:
    model, training = made.description.model, made.description.training
    assert made.description.initialiser is not None
    cnn = isinstance(model, Cnn)
    hidden = str(model.hidden) if isinstance(model, Cnn) else ",".join(map(str, model.hidden)) or "none"
    return {
        "model": "cnn" if cnn else "mlp",
        "hidden": hidden,
        "channels": ",".join(map(str, model.channels)) if isinstance(model, Cnn) else "",
        "learning_rate": training.learning_rate,
        "momentum": training.momentum,
        "batch_size": str(training.batch_size),
        "local_steps": str(training.local_steps),
        "step_bound": training.step_bound,
        "lsb_exponent": str(made.description.lsb_exponent),
        "seed": str(made.description.initialiser.seed),
    }


def _terms(made: Configuration, coin: Coin) -> dict[str, str]:
    terms = made.terms
    native = terms.token == NATIVE
    decimals = coin.decimals
    windows = {f"window_{name}": plain_duration(getattr(terms.windows, name)) for name in WINDOW_NAMES}
    return {
        "token": "" if native else terms.token,
        "decimals": "" if native else str(decimals),
        "symbol": "" if native else coin.symbol,
        "budget": plain_amount(int(made.budget), decimals),
        "rounds": "",
        "pot": plain_amount(int(terms.pot), decimals),
        "fee": plain_amount(terms.fee_bps, 2),
        "seats": str(terms.seats),
        "min_seals": str(terms.min_seals),
        "expected": str(terms.expected_seats),
        "stake": plain_amount(int(terms.min_stake), decimals),
        "bond_floor": plain_amount(int(terms.bond_floor), decimals),
        "open_rounds": str(terms.open_rounds),
        "ends_in": plain_duration(terms.lifetime),
        "admission": "\n".join(terms.admission),
        "reference_key": terms.reference_key or "",
        **windows,
    }
