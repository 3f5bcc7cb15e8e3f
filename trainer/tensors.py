"""The only border between torch and flat vectors: parameters <-> float32 [d], int32 model -> float32."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from market.errors import UpdateError


def weights(model: NDArray[np.int32], d: int, lsb_exponent: int) -> NDArray[np.float32]:
    """Fixed-point model int32 [d or padded] -> float32 [d], `M * 2^-e`.

    Exact for |M| <= 2^24 (weights up to 128 at e = 17); beyond, the nearest float32, the same everywhere.
    Raises UpdateError E121, E122 for a wrong shape or dtype, E111 for padding that is not zero.
    """
    if model.dtype != np.int32:
        raise UpdateError("E122", f"dtype: got {model.dtype}, expected int32")
    if model.ndim != 1 or len(model) < d:
        raise UpdateError("E121", f"shape: got {model.shape}, expected ({d},)")
    if (rest := model[d:]).any():
        index = int(np.flatnonzero(rest)[0])
        raise UpdateError("E111", f"padding: coefficient {d + index} is {rest[index]}, expected 0")
    return np.ldexp(model[:d].astype(np.float32), -lsb_exponent)


def load(module: nn.Module, flat: NDArray[np.float32]) -> None:
    """Copy float32 [d] into the module's parameters, in their fixed order. Raises UpdateError E121."""
    d = sum(parameter.numel() for parameter in module.parameters())
    if flat.shape != (d,):
        raise UpdateError("E121", f"shape: got {flat.shape}, expected ({d},)")
    start = 0
    with torch.no_grad():
        for parameter in module.parameters():
            stop = start + parameter.numel()
            parameter.copy_(torch.from_numpy(flat[start:stop].copy()).view_as(parameter))
            start = stop


def flatten(module: nn.Module) -> NDArray[np.float32]:
    """The module's parameters as float32 [d] on the host, in their fixed order."""
    parts = [
        parameter.detach().to("cpu", torch.float32).reshape(-1).numpy() for parameter in module.parameters()
    ]
    return np.concatenate(parts)
