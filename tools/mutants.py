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
import random
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import schemata
from environments import foundry

ROOT: Final = Path(__file__).resolve().parent.parent
CONTRACTS: Final = ROOT / "contracts"
PLACE: Final = ROOT / "build" / "mutants"
STATE: Final = PLACE / "state.json"
REPORT: Final = CONTRACTS / "test" / "mutants.json"
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
SWAPS: Final = (
    ("relation", r" < ", " <= "),
    ("relation", r" <= ", " < "),
    ("relation", r" > ", " >= "),
    ("relation", r" >= ", " > "),
    ("equality", r" == ", " != "),
    ("equality", r" != ", " == "),
    ("arithmetic", r" \+ ", " - "),
    ("arithmetic", r" - ", " + "),
    ("arithmetic", r" \* ", " / "),
    ("arithmetic", r" / ", " * "),
    ("arithmetic", r" \+= ", " -= "),
    ("arithmetic", r" -= ", " += "),
    ("logic", r" && ", " || "),
    ("logic", r" \|\| ", " && "),
    ("constant", r"\btrue\b", "false"),
    ("constant", r"\bfalse\b", "true"),
    ("constant", r" 0\b(?!x)", " 1"),
    ("condition", r"if \((?!!)([^()]*(?:\([^()]*\)[^()]*)*)\)", r"if (!(\1))"),
)
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
"""Why a survivor is none, by what it makes of its line."""
STATEMENT: Final = re.compile(
    r"^\s+(?=\S)(?!return\b|revert\b|if\b|else\b|for\b|while\b|assembly\b|using\b|mapping\b)[\w.\[\]() ]+.*;\s*(//.*)?$"
)
REFUSAL: Final = re.compile(r"^\s+if \(.*\) revert .*;\s*(//.*)?$")
DECLARATION: Final = re.compile(
    r"^\s+(?=\S)(uint\d*|int\d*|bytes\d*|bool|address|Tally|Verdict|Pair|Progress|Holder|Terms|Project|Round|Seat|Aggregator"
    r"|Windows|Facts|OpenAsk|Reader|Phase|Tenure|Roots|error|event|function|constructor|import|struct|\()\b.*"
)


@dataclass(frozen=True)
class Mutant:
    """Line `number` (from 1) of `file` becomes `after`."""

    file: str
    number: int
    operator: str
    before: str
    after: str

    @property
    def key(self) -> str:
        """Name that stays as long as the line does, wherever it stands."""
        return hashlib.sha256(f"{self.file}\0{self.before}\0{self.after}".encode()).hexdigest()[:16]


def mutants_of(file: str, root: Path = CONTRACTS) -> list[Mutant]:
    """All mutants of a source of the contracts at `root`."""
    found, outside = [], True
    for number, line in enumerate((root / file).read_text().splitlines(), 1):
        code = line.partition("//")[0]
        if not code.strip() or code.startswith(
            ("import", "pragma", "using", "type", "library", "contract", "abstract")
        ):
            continue
        outside = outside and not code.strip().endswith("{")
        if outside or "error " in code or "event " in code:
            continue
        for operator, pattern, replacement in SWAPS:
            for match in re.finditer(pattern, code):
                changed = code[: match.start()] + match.expand(replacement) + code[match.end() :]
                found.append(Mutant(file, number, operator, line, changed.rstrip()))
        if REFUSAL.match(line):
            found.append(Mutant(file, number, "refusal removed", line, ""))
        elif STATEMENT.match(line) and not DECLARATION.match(line) and "emit" not in line:
            found.append(Mutant(file, number, "statement removed", line, ""))
    return found


def drawn(root: Path = CONTRACTS) -> list[Mutant]:
    """All mutants in the order in which they are tested."""
    files = [*COURT_ONLY, *MARKET_ONLY, *SHARED]
    found = {mutant.key: mutant for file in files for mutant in mutants_of(file, root)}
    ordered = [found[key] for key in sorted(found)]
    random.Random(SEED).shuffle(ordered)
    return ordered


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


def known() -> dict[str, dict[str, Any]]:
    """What earlier runs found, by key."""
    found: dict[str, dict[str, Any]] = json.loads(STATE.read_text()) if STATE.exists() else {}
    return found


def test(count: int) -> None:
    """Tests `count` mutants that are not known yet."""
    state = known()
    PLACE.mkdir(parents=True, exist_ok=True)
    prepared = prepare()
    # From the copy: the sources may change while this goes on.
    every = enumerate(drawn(PLACE / "contracts"), 1)
    wanted = [(number, mutant) for number, mutant in every if mutant.key not in state][:count]
    for done, (number, mutant) in enumerate(wanted, 1):
        started = time.monotonic()
        result = outcome(number, mutant, prepared)
        state[mutant.key] = {
            "result": result,
            "file": mutant.file,
            "line": mutant.number,
            "operator": mutant.operator,
        }
        state[mutant.key] |= {"before": mutant.before.strip(), "after": mutant.after.strip()}
        STATE.write_text(json.dumps(state, indent=1))
        spent = time.monotonic() - started
        print(
            f"{done}/{len(wanted)} {result}: {mutant.file}:{mutant.number} {mutant.operator} ({spent:.0f} s)",
            flush=True,
        )


def report() -> None:
    """Score and survivors of the mutants that are still those of the sources."""
    state, every = known(), drawn()
    tested = [state[mutant.key] for mutant in every if mutant.key in state]
    results = [entry["result"] for entry in tested]
    killed, survived = results.count("killed"), results.count("survived")
    alive = [
        {k: e[k] for k in ("file", "operator", "before", "after")}
        | {"reason": REASONS.get(e["after"], "no test yet")}
        for e in tested
        if e["result"] == "survived"
    ]
    summary = {
        "mutants": len(every),
        "tested": killed + survived,
        "killed": killed,
        "percent": 100 * killed // max(1, killed + survived),
        "survivors": alive,
    }
    REPORT.write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary, indent=1))


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
        report()


if __name__ == "__main__":
    main()
