"""Mutation testing of the checks of numbers: one change at a time, does their comparison with Python notice?

    python3 tools/check_mutants.py --count 20      tests twenty mutants more; what is known already is kept
    python3 tools/check_mutants.py --report        prints score and survivors, writes contracts/test/check-mutants.json

Changes are those of `mutants.py`, in an order that a fixed seed gives; all mutants of a contract are one program
(`schemata.py`), little optimised. What decides is `tests/refute`, against a chain: each contract's tests without those
of gas. A mutant of what contracts share is tried on each of them until one notices. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from typing import Any, Final

import schemata
from mutants import CONTRACTS, ROOT, closure, digest, solc
from mutation import Book, Mutant, shuffled

PLACE: Final = ROOT / "build" / "check-mutants"
TESTS: Final = {
    "PayChecks": ("test_pay_checks.py",),
    "RuleChecks": ("test_rule_checks.py",),
    "TreeChecks": ("test_tree_checks.py", "test_tree_attacks.py"),
}
SEED: Final = 5
LONGEST: Final = 600
"""Seconds after which tests that do not end have noticed."""
REASONS: Final = {
    "if (moved >= type(int32).max) moved = type(int32).max;": "equal values give the same",
    "if (i > count(f.seats) || j >= count(f.seats)) revert MarketNoSuchRow(i > j ? i : j, count(f.seats));": (
        "a leaf's hash holds its place, so that none is there: another refusal"
    ),
}
BOOK: Final = Book(PLACE / "state.json", CONTRACTS / "test" / "check-mutants.json", REASONS)


def path_of(name: str) -> str:
    """Source of a contract of checks."""
    return f"src/checks/{name}.sol"


def drawn() -> list[Mutant]:
    """All mutants of the checks in the order in which they are tested."""
    files = {
        file for name in TESTS for file in closure([path_of(name)], {}, CONTRACTS) if "src/checks/" in file
    }
    return shuffled(sorted(files), CONTRACTS, SEED)


def prepare(name: str) -> dict[str, Any]:
    """`code` of the program with all mutants of a contract and their `numbers` (from 1, as drawn)."""
    sources, every = closure([path_of(name)], {}, CONTRACTS), drawn()
    kept, wanted = PLACE / f"{name}.json", digest([sources, [vars(mutant) for mutant in every]])
    earlier: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    if earlier.get("of") == wanted:
        return earlier
    changes = [
        schemata.change_of(number, mutant.file, sources[mutant.file].encode(), mutant.number, mutant.after)
        for number, mutant in enumerate(every, 1)
        if mutant.file in sources
    ]
    program, numbers = schemata.program(sources, changes, solc)
    answer = solc(program, {path_of(name): {name: ["evm.deployedBytecode.object"]}})
    code = "0x" + answer["contracts"][path_of(name)][name]["evm"]["deployedBytecode"]["object"]
    print(f"{name}: {len(numbers)} of {len(changes)} mutants in one program", flush=True)
    made = {"of": wanted, "code": code, "numbers": sorted(numbers)}
    kept.write_text(json.dumps(made))
    return made


def noticed(name: str, code: str) -> bool:
    """Whether the tests of a contract fail with this code in its place."""
    file = PLACE / "code.txt"
    file.write_text(code)
    options = ["-q", "-x", "-o", f"cache_dir={PLACE / 'cache'}", "-k", "not gas"]
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "pytest", *options]
    tests = [f"tests/refute/{test}" for test in TESTS[name]]
    variables = os.environ | {"FAIRTRAIN_CHECKS": f"{name}={file}", "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(
            [*command, *tests], cwd=ROOT, env=variables, capture_output=True, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1):
        raise SystemExit(f"check_mutants: the tests do not run:\n{done.stdout.decode()[-3000:]}")
    return done.returncode == 1


def outcome(number: int, programs: dict[str, dict[str, Any]]) -> str:
    """ "killed", "survived", or "left out" where no program has the mutant."""
    holding = [name for name, program in programs.items() if number in program["numbers"]]
    codes = {name: schemata.with_number(programs[name]["code"], number) for name in holding}
    if not holding:
        return "left out"
    return "killed" if any(noticed(name, code) for name, code in codes.items()) else "survived"


def test(count: int) -> None:
    """Tests `count` mutants that are not known yet."""
    PLACE.mkdir(parents=True, exist_ok=True)
    programs = {name: prepare(name) for name in TESTS}
    for name, program in programs.items():
        if noticed(name, schemata.with_number(program["code"], 0)):
            raise SystemExit(f"check_mutants: the tests of {name} fail without any change")
    BOOK.play(drawn(), count, lambda number, _: outcome(number, programs))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    if args.count:
        test(args.count)
    if args.report:
        BOOK.report(drawn())


if __name__ == "__main__":
    main()
