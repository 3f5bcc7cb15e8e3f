"""The first model from a public seed, in integers, so that every machine draws the same bits.

Kept apart from torch on purpose: an owner who creates a project, a trainer who refuses an unknown first model
and a watcher all rebuild it with numpy alone. Only raw PCG64 output is used, whose stream numpy guarantees;
its distributions may change between releases, and torch's differ between devices.
"""

from __future__ import annotations

from math import isqrt, prod

import numpy as np
from numpy.typing import NDArray

from market.description import Description, Parameter, parameters
from market.errors import DocumentError


def initial_model(description: Description) -> NDArray[np.int32]:
    """First model of a project: int32 [d_pad], LSB 2^-e, zero after `d`.

    Weights are uniform in +-sqrt(6 / fan_in) (He et al., 2015, for ReLU), in +-sqrt(1 / fan_in) in the last
    layer so that first outputs are small; biases are zero. Raises DocumentError E183 without an initialiser.
    """
    if description.initialiser is None:
        raise DocumentError(
            "E183", "the description names no initialiser seed; take the first model from its file"
        )
    bits = np.random.PCG64(description.initialiser.seed)
    model = np.zeros(description.d_pad, dtype=np.int32)
    layers = parameters(description.model, description.data)
    start = 0
    for parameter in layers:
        stop = start + prod(parameter.shape)
        if parameter.name.endswith(".weight"):
            last = parameter is layers[-2]
            model[start:stop] = _uniform(bits, parameter, 1 if last else 6, description.lsb_exponent)
        start = stop
    return model


def _uniform(bits: np.random.PCG64, parameter: Parameter, gain: int, exponent: int) -> NDArray[np.int64]:
    """Integers uniform in [-b, b], b = floor(2^e sqrt(gain / fan_in)), from 32 random bits each."""
    bound = isqrt((gain << 2 * exponent) // parameter.fan_in)
    words = bits.random_raw(prod(parameter.shape)) >> np.uint64(32)
    # 32 bits times at most 27 bits stays below 2^63
    return ((words * np.uint64(2 * bound + 1)) >> np.uint64(32)).astype(np.int64) - bound
