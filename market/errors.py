"""Everything the system refuses, as one tree of typed exceptions.

    FairtrainError                 base: an *expected* refusal, shown as one line, never a traceback
    ├── InputError                 a user's file, text or option is wrong (codes E1xx)
    │   ├── UpdateError            an update file or its root or CID (E101-E151)
    │   └── DocumentError          a description, deployment or report document (E180-E189)
    ├── StoreError                 the content-addressed store (E142, E144, E150)
    │   └── UnavailableError       no source has the object, or none answers (E143)
    ├── ChainError                 the node or the deployment (E201-E209), the demo (E220-E222)
    ├── KeystoreError              the keystore (E210-E219)
    ├── RefusedError               the market contract (or its specification) refuses a call
    └── VerificationError          a posted number differs from the recomputed one

`code` is stable and documented; `exit_code` is what the command line returns.
Bugs are not in this tree: they surface as ordinary exceptions.
"""

from __future__ import annotations


class FairtrainError(Exception):
    """Base of every expected refusal. `str(error)` is `CODE text`, one line."""

    exit_code: int = 1

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


class InputError(FairtrainError):
    """A file, text or option given by a user is wrong; nothing was changed."""

    exit_code = 2


class UpdateError(InputError):
    """An update file, its Merkle root or its CID is not what the chain names."""


class DocumentError(InputError):
    """A JSON document does not follow its schema."""


class StoreError(FairtrainError):
    """The store cannot give or keep an object."""

    exit_code = 3


class UnavailableError(StoreError):
    """E143: no source gave the object; a later try may. `reasons` holds one short text for each source."""

    def __init__(self, reasons: list[str]) -> None:
        count = len(reasons)
        super().__init__("E143", f"not available from {count} of {count} sources ({', '.join(reasons)})")
        self.reasons = reasons


class ChainError(FairtrainError):
    """The node, the deployment or a transaction is not as expected."""

    exit_code = 4


class KeystoreError(FairtrainError):
    """The keystore cannot be opened."""

    exit_code = 5


class RefusedError(FairtrainError):
    """The market refuses a call. `name` is the contract's error, `args_` its arguments."""

    exit_code = 6

    def __init__(self, name: str, args_: dict[str, object], hint: str = "") -> None:
        shown = ", ".join(f"{key}={_readable(value)}" for key, value in args_.items())
        super().__init__(name, f"({shown})" + (f": {hint}" if hint else ""))
        self.name = name
        self.args_ = args_


def _readable(value: object) -> object:
    return "0x" + value.hex() if isinstance(value, bytes) else value


class VerificationError(FairtrainError):
    """A posted number differs from the recomputed one; `where` names the first difference."""

    exit_code = 7

    def __init__(self, where: str, posted: object, computed: object) -> None:
        super().__init__("E301", f"{where}: posted {posted}, computed {computed}")
        self.where = where
        self.posted = posted
        self.computed = computed
