"""All attacks of the bench by name."""

from __future__ import annotations

from typing import Final

from benchmarks.robustness import poison
from benchmarks.robustness.adaptive import ADAPTIVE
from benchmarks.robustness.attacks import (
    additive_noise,
    boosted,
    copies,
    delta_mix,
    inner_product,
    last_delta,
    later,
    little,
    little_formula,
    mimic,
    mimic_low,
    min_max,
    min_sum,
    noised,
    on_off,
    peer_copy,
    projected,
    pure_noise,
    searched,
    sign_flip,
    zeros,
)
from benchmarks.robustness.scene import Attack, Craft, honestly

NONE: Final = "none"

_COLLUDING: Final[dict[str, Craft]] = {
    "ipm_0.5": inner_product(0.5),
    "foe_10": inner_product(10.0),
    "ipm_opt": searched(inner_product),
    "alie": little_formula,
    "alie_1.5": little(1.5),
    "alie_opt": searched(little),
    "min_max": min_max,
    "min_sum": min_sum,
    "mimic": mimic,
    "mimic_low": mimic_low,
}
"""Every attacker sends the same."""

_SINGLE: Final[dict[str, Craft]] = {
    "sign_flip": sign_flip,
    "noise": additive_noise,
    "fr_zero": zeros,
    "fr_noise": pure_noise,
    "fr_delta": last_delta(),
    "fr_delta_x3": last_delta(3.0),
    "fr_delta_noise": last_delta(1.0, 0.3),
    "fr_mix": delta_mix,
    "fr_peer": peer_copy,
    "sybil": copies(0.0),
    "copies_0.01": copies(0.01),
    "copies_0.1": copies(0.1),
    "copies_0.3": copies(0.3),
}

_TIMED: Final[dict[str, Craft]] = {
    "b_sign": later(sign_flip),
    "b_ipm": later(inner_product(0.5)),
    "b_alie": later(little(1.5)),
    "b_disp": later(ADAPTIVE["ad_disp"]),
    "o_ipm": on_off(inner_product(0.5)),
    "o_alie": on_off(little(1.5)),
    "o_sign": on_off(sign_flip),
}

_SPOILT: Final = [
    Attack("label_flip", spoil=poison.flip_all),
    Attack("flip_two", spoil=poison.flip_two),
    Attack("flip_many", spoil=poison.flip_many),
    Attack("backdoor_1", spoil=poison.backdoor, goal="corner", seats=1),
    Attack("backdoor_1_boosted", boosted, poison.backdoor, goal="corner", seats=1),
    Attack("backdoor", spoil=poison.backdoor, goal="corner"),
    Attack("backdoor_boosted", boosted, poison.backdoor, goal="corner"),
    Attack("dba", spoil=poison.distributed_backdoor, goal="corner"),
    Attack("dba_boosted", boosted, poison.distributed_backdoor, goal="corner"),
    Attack("edge_pgd", projected, poison.edge_backdoor, goal="edge"),
]

_CRAFTED: Final[dict[str, Craft]] = {
    NONE: honestly,
    **_SINGLE,
    **_COLLUDING,
    **{f"n_{name}": noised(craft) for name, craft in _COLLUDING.items()},
    **_TIMED,
    **ADAPTIVE,
}

ATTACKS: Final[dict[str, Attack]] = {
    attack.name: attack for attack in [*(Attack(name, craft) for name, craft in _CRAFTED.items()), *_SPOILT]
}
"""Name -> attack; `none` are attackers who behave, `n_` is noised, `b_` ten honest rounds first, `o_` on and off,
`ad_` adaptive, `fr_` a free-rider."""

GROUPS: Final = {
    "hard": (
        NONE, "sign_flip", "ipm_0.5", "foe_10", "alie_opt", "min_max", "mimic_low", "label_flip", "backdoor",
        "edge_pgd", "n_ipm_0.5", "n_alie_opt", "n_mimic_low", "o_sign", "sybil", "fr_delta", "ad_disp", "ad_dot",
        "ad_w_sign",
    ),
    "adaptive": (NONE, *ADAPTIVE),
}  # fmt: skip
"""Names for several attacks at once; `hard` are those that cost some rule most, one of each family."""
