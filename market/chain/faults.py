"""Points at which a test may kill this process, so that recovery is proved and not assumed.

`FAIRTRAIN_FAULT=after_journal` ends the process there with status 9, as `kill -9` would;
`FAIRTRAIN_FAULT=after_journal@seal/3` only when the detail starts with `seal/3`.
"""

from __future__ import annotations

import os

POINTS = ("before_journal", "after_journal", "after_broadcast", "after_receipt")
"""Fault points of the sender, in the order in which a transaction passes them (rows F01 to F04)."""


def fault(point: str, detail: str = "") -> None:
    """Ends the process without any clean-up if the environment asks for it at this point."""
    wanted, _, prefix = os.environ.get("FAIRTRAIN_FAULT", "").partition("@")
    if wanted == point and detail.startswith(prefix):
        os._exit(9)
