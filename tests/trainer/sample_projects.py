"""Descriptions that the trainer's tests share."""

import json

from market.description import Description, parse

DIGITS = {
    "version": 1,
    "name": "digits",
    "title": "Handwritten digits",
    "model": {"kind": "mlp", "hidden": [32]},
    "data": {"shape": [64], "labels": list("0123456789"), "divide_by": "16"},
    "initialiser": {"seed": 7},
    "lsb_exponent": 16,
}


def described(**changes: object) -> Description:
    """The digits project with some parts replaced."""
    return parse(json.dumps(DIGITS | changes).encode())
