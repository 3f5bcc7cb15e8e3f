"""Mutation testing of escrow, payout and refutation code: one change at a time, do the Foundry tests notice?

    python3 tools/mutants.py --count 20      tests twenty mutants more; what is known already is kept
    python3 tools/mutants.py --report        prints score and survivors, writes contracts/test/mutants.json
    python3 tools/mutants.py --list          how many mutants there are, by file and operator

Standard library only. Mutants are drawn in an order that a fixed seed gives, so whatever has been tested is a fair
sample. The tests are compiled once, in a copy under build/mutants: they deploy the market from its artifact, so that
for a mutant only that is exchanged. The market is compiled once too, with all mutants in it (`schemata.py`), little
optimised: a mutant costs what its tests do. The few that do not fit in are compiled one by one. Gas figures and
campaigns are left out. A mutant that does not compile counts for nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import posixpath
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import schemata
from environments import foundry
from mutation import Book, Mutant, shuffled

ROOT: Final = Path(__file__).resolve().parent.parent
CONTRACTS: Final = ROOT / "contracts"
PLACE: Final = ROOT / "build" / "mutants"
HARNESS: Final = "test/harness/MarketHarness.sol"
COURT_ONLY: Final = ("src/Court.sol",)
MARKET_ONLY: Final = ("src/Market.sol", "src/Registry.sol")
SHARED: Final = tuple(f"src/{name}.sol" for name in ("MarketBase", "words")) + tuple(
    f"src/libraries/{name}.sol" for name in ("Asks", "Results", "Seats", "Phases", "Hashes", "Bitmaps")
)
SEED: Final = 4
FAST: Final = ["--fail-fast"]
LONGEST: Final = 600
"""Seconds after which tests that do not end have noticed."""
HARNESSES: Final = ("MarketHarness", "CourtHarness")
LEFT_OUT: Final = ("Gas.t.sol", "RealChecks.t.sol")
"""Figures of optimised code; checks of numbers, which are no mutants."""
EQUAL: Final = "equal values give the same"
REFERENCE: Final = "row N is the reference row, which is never present"
REASONS: Final = {
    "uint256 since = t.revealEnd() >= g.lastEventAt() ? t.revealEnd() : g.lastEventAt();": EQUAL,
    "if (penalty >= stake) penalty = stake;": EQUAL,
    "base = size * (perByte >= floor ? perByte : floor);": EQUAL,
    "if (g.clearedAt() >= since) since = g.clearedAt();": EQUAL,
    "return locked >= terms.bondFloor() ? locked : terms.bondFloor();": EQUAL,
    "if (total < s.penaltyTaken) return (pay, 0, stake);": "equal totals give a penalty of zero",
    "for (uint256 seat; seat <= seats; ++seat) {": REFERENCE,
    "return (row <= seats || row >= RowsOf.firstPast(seats)) && _slotOf(p, seats, round, row) < ROOT_FLOOR;": REFERENCE,
    "uint256 revealed = round >= back + 1 ? p.rounds[round - 1 - back].tally.revealCount() : 0;": "round 0 has none",
    "if (replaces && results <= ORDINAL_CEILING) --results;": "254 and 255 allow the same rows and are followed by 255",
}
BOOK: Final = Book(PLACE / "state.json", CONTRACTS / "test" / "mutants.json", REASONS)


def drawn(root: Path = CONTRACTS) -> list[Mutant]:
    """All mutants in the order in which they are tested."""
    return shuffled([*COURT_ONLY, *MARKET_ONLY, *SHARED], root, SEED)


def forge(*words: str) -> subprocess.CompletedProcess[str]:
    """forge in the copy."""
    path = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])
    variables = os.environ | {"PATH": path, "FOUNDRY_FUZZ_RUNS": "32", "NO_COLOR": "1"}
    return subprocess.run(
        [str(foundry("forge")), *words],
        cwd=PLACE / "contracts",
        env=variables,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )


def closure(names: list[str], changed: dict[str, str], root: Path) -> dict[str, str]:
    """Text by name of files and of everything that they import, from contracts at `root`; libraries by their name in
    node_modules."""
    found: dict[str, str] = {}
    while names:
        name = names.pop()
        if name in found:
            continue
        if name.startswith(("forge-std/", "ds-test/")):
            continue
        base = ROOT / "node_modules" if name.startswith("@") else root
        found[name] = changed.get(name) or (base / name).read_text()
        for other in re.findall(r'from "([^"]+)"', found[name]):
            inside = other.startswith(".")
            names.append(
                posixpath.normpath(posixpath.join(posixpath.dirname(name), other)) if inside else other
            )
    return found


def noticed() -> str:
    """What the tests say when one fails, "" when all pass."""
    try:
        done = forge("test", *FAST)
    except subprocess.TimeoutExpired:
        return "out of time"
    # With --fail-fast forge 1.7.1 exits with 0 whatever happens.
    fails = [line for line in done.stdout.splitlines() if line.startswith("[FAIL")]
    if done.returncode and not fails:
        return done.stdout[-1000:] + done.stderr[-1000:]
    return "\n".join(fails[:3])


def solc(sources: dict[str, str], selection: dict[str, Any]) -> dict[str, Any]:
    """The compiler's answer, with little optimisation."""
    settings = {
        "evmVersion": "shanghai",
        "viaIR": True,
        "optimizer": schemata.OPTIMIZER,
        "metadata": {"bytecodeHash": "none", "appendCBOR": False},
        "outputSelection": selection,
    }
    texts = {name: {"content": text} for name, text in sources.items()}
    question = json.dumps({"language": "Solidity", "sources": texts, "settings": settings})
    command = ["node", str(ROOT / "tools" / "solc.mjs"), "--standard-json"]
    done = subprocess.run(command, input=question, cwd=ROOT, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def compiled(sources: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """Creation code, in hexadecimal, of contracts of the harness; empty when the compiler refuses."""
    answer = solc(sources, {HARNESS: {name: ["evm.bytecode.object"] for name in names}})
    found = answer.get("contracts", {}).get(HARNESS, {})
    return {name: "0x" + found[name]["evm"]["bytecode"]["object"] for name in names if name in found}


def install(code: dict[str, str]) -> None:
    """Puts creation code where the tests find it."""
    for name, text in code.items():
        path = PLACE / "contracts" / "out" / "MarketHarness.sol" / f"{name}.json"
        artifact = json.loads(path.read_text())
        artifact["bytecode"]["object"] = text
        path.write_text(json.dumps(artifact))


@dataclass(frozen=True)
class Prepared:
    """Code by contract of the unchanged market, of the program that has the mutants `numbers` (from 1, as drawn)."""

    original: dict[str, str]
    program: dict[str, str]
    numbers: frozenset[int]


def prepare() -> Prepared:
    """A copy whose tests are compiled and pass with the unchanged market, and with the program of all mutants."""
    kept = PLACE / "prepared.json"
    earlier: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    folders = [CONTRACTS / "test" / folder for folder in (".", "tokens", "corners")]
    tests = [path for folder in folders for path in folder.glob("*.t.sol")]
    names = [path.relative_to(CONTRACTS).as_posix() for path in tests if path.name not in LEFT_OUT]
    files = closure([HARNESS, *names], {}, CONTRACTS)
    market = closure([HARNESS], {}, CONTRACTS)
    of_market = digest([market, [vars(mutant) for mutant in drawn()]])
    of_tests = digest([files, of_market])
    if earlier.get("of market") != of_market:
        earlier = {"of market": of_market, **weave(market)}
    prepared = Prepared(earlier["original"], earlier["program"], frozenset(earlier["numbers"]))
    if earlier.get("of tests") != of_tests:
        copy_tests(files)
        for code in (prepared.program, prepared.original):
            install({name: schemata.with_number(text, 0) for name, text in code.items()})
            if said := noticed():
                raise SystemExit(f"mutants: the tests fail without any change:\n{said}")
        kept.write_text(json.dumps({**earlier, "of tests": of_tests}))
    return prepared


def digest(value: object) -> str:
    """Hash of anything that JSON holds."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def copy_tests(files: dict[str, str]) -> None:
    """Builds the tests in the copy, with little optimisation."""
    copy = PLACE / "contracts"
    for folder in ("src", "test"):
        shutil.rmtree(copy / folder, ignore_errors=True)
    for name, text in files.items():
        if not name.startswith("@"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(text)
    settings = (CONTRACTS / "foundry.toml").read_text()
    less = 'optimizer_details = { yul = true, yulDetails = { stackAllocation = true, optimizerSteps = "u" } }'
    (copy / "foundry.toml").write_text(settings.replace("optimizer_runs = 200", less))
    for name in ("node_modules", "tools"):
        if not (PLACE / name).exists():
            (PLACE / name).symlink_to(ROOT / name)
    built = forge("build")
    if built.returncode:
        raise SystemExit(f"mutants: the tests do not compile:\n{built.stdout[-3000:]}{built.stderr[-3000:]}")


def weave(sources: dict[str, str]) -> dict[str, Any]:
    """The fields of `Prepared`: compiles the market, and the program with all mutants in it."""
    changes = [
        schemata.change_of(number, mutant.file, sources[mutant.file].encode(), mutant.number, mutant.after)
        for number, mutant in enumerate(drawn(), 1)
    ]
    program, numbers = schemata.program(sources, changes, solc)
    print(f"{len(numbers)} of {len(changes)} mutants in one program", flush=True)
    return {
        "original": compiled(sources, HARNESSES),
        "program": compiled(program, HARNESSES),
        "numbers": sorted(numbers),
    }


def outcome(number: int, mutant: Mutant, prepared: Prepared) -> str:
    """ "killed", "survived", "does not compile" or "equivalent" (the same bytes)."""
    if number in prepared.numbers:
        code = {name: schemata.with_number(text, number) for name, text in prepared.program.items()}
        install(code)
        return "killed" if noticed() else "survived"
    lines = (PLACE / "contracts" / mutant.file).read_text().splitlines()
    lines[mutant.number - 1] = mutant.after
    sources = closure([HARNESS], {mutant.file: "\n".join(lines) + "\n"}, PLACE / "contracts")
    code = compiled(sources, HARNESSES)
    if len(code) < len(HARNESSES):
        return "does not compile"
    if code == prepared.original:
        return "equivalent"
    install(code)
    return "killed" if noticed() else "survived"


def test(count: int) -> None:
    """Tests `count` mutants that are not known yet."""
    PLACE.mkdir(parents=True, exist_ok=True)
    prepared = prepare()
    # From the copy: the sources may change while this goes on.
    BOOK.play(drawn(PLACE / "contracts"), count, lambda number, mutant: outcome(number, mutant, prepared))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    if args.list:
        counts: dict[str, int] = {}
        for mutant in drawn():
            counts[f"{mutant.file} {mutant.operator}"] = counts.get(f"{mutant.file} {mutant.operator}", 0) + 1
        print(
            "\n".join(f"{count:5} {name}" for name, count in sorted(counts.items())),
            f"\n{sum(counts.values())} in all",
        )
    if args.count:
        test(args.count)
    if args.report:
        BOOK.report(drawn())


if __name__ == "__main__":
    main()
