"""Static and symbolic analysis of the contracts. Standard library only; nothing of it is needed to build or test.

    python3 tools/security.py             Slither and Halmos, each if its sources have changed since its last run;
                                          writes contracts/test/symbolic/report.json
    python3 tools/security.py --check     whether that report is of the present sources (no tools needed)

Slither and Halmos live in .venv-security (tools/requirements-security.lock, with hashes) and work on copies under
build/security: the sources are compiled without most of the optimiser there, which finds the same and is many times
faster. Fails on a Slither finding of medium impact or above that EXCEPTIONS does not explain, and on a Halmos check
that does not hold or that no solver decides in time.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
SYMBOLIC = CONTRACTS / "test" / "symbolic"
REPORT = SYMBOLIC / "report.json"
BUILD = ROOT / "build" / "security"
GRAVE = ("High", "Medium")
EXCEPTIONS = (
    # (detector, pattern of "path name...", why it is no fault)
    (
        "uninitialized-state",
        r"src/MarketBase\.sol MarketBase\.(_limits|projectCount|_projects|_asks|_openAsks|askCount) ",
        "Registry and Court run in the market's storage, where Market's constructor and their own calls write it",
    ),
    (
        "divide-before-multiply",
        r"src/(Court\.sol Court\._convict|Market\.sol Market\.flatten)\(",
        "shares are rounded down on purpose; what rounding leaves goes to the escrow, to the wei (see Money.sol)",
    ),
    (
        "divide-before-multiply",
        r"src/checks/",
        "floors are what the rule prescribes, and indices of leaves; Python agrees bit by bit in tests/refute",
    ),
    (
        "uninitialized-local",
        r"src/checks/",
        "sums and counters that begin at zero, as every local of Solidity does",
    ),
    (
        "incorrect-equality",
        r"src/(Court|MarketBase)\.sol (MarketBase\._counts|MarketBase\.askOf|Court\._openAsk|MarketBase\._expect)\(",
        "hashes and bits are compared, never balances or times",
    ),
    ("incorrect-exp", r"src/checks/", "`^` is the exclusive-or that is meant"),
    (
        "incorrect-shift",
        r"src/(checks/|libraries/Asks\.sol)",
        "constants are shifted by variables on purpose: 32 << levels",
    ),
    (
        "msg-value-in-nonpayable",
        r"src/MarketBase\.sol MarketBase\._pull\(",
        "only payable functions call it; code that runs in the market's storage sees the same value",
    ),
)
SETTINGS = """\
[profile.default]
src = "src"
test = "test"
libs = []
offline = true
solc = "../../../tools/solc.mjs"
evm_version = "shanghai"
via_ir = true
optimizer = true
optimizer_details = { yul = true, yulDetails = { stackAllocation = true, optimizerSteps = "u" } }
bytecode_hash = "none"
cbor_metadata = false
auto_detect_remappings = false
allow_paths = ["../../../node_modules"]
remappings = ["@openzeppelin/=../../../node_modules/@openzeppelin/"]
lint = { lint_on_build = false }
"""
EMPTY_REGISTRY = """\
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Stands for the code of seats, which no symbolic check calls and which takes most of the compiler's time.
contract Registry {}
"""


def say(text: str) -> None:
    print(f"security: {text}", flush=True)


def digest(files: set[Path]) -> str:
    """Hash of names and contents."""
    hashed = hashlib.sha256()
    for path in sorted(files):
        hashed.update(f"{path.relative_to(CONTRACTS).as_posix()}\0".encode())
        hashed.update(hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()


def sources() -> dict[str, set[Path]]:
    """What each tool looks at."""
    return {
        "slither": set((CONTRACTS / "src").rglob("*.sol")),
        "halmos": imported(list(SYMBOLIC.glob("*.sol"))) - {CONTRACTS / "src" / "Registry.sol"},
    }


def stale() -> list[str]:
    """Tools whose part of the report is of other sources."""
    report = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    return [name for name, files in sources().items() if report.get(name, {}).get("sources") != digest(files)]


def exception(finding: dict[str, Any]) -> str:
    """Reason why a finding of Slither is none, "" if nobody has given one."""
    path = finding["elements"][0]["source_mapping"]["filename_relative"]
    place = f"{path} {finding['description']}"
    reasons = [
        why for check, pattern, why in EXCEPTIONS if check == finding["check"] and re.match(pattern, place)
    ]
    return reasons[0] if reasons else ""


def environment() -> dict[str, str]:
    """Installs the tools when the lock file has changed; returns the variables that they run with."""
    from environments import ready  # beside this file, which tests load from elsewhere

    place = ready("security", "Slither and Halmos")
    path = [place / "bin", ROOT / "node_modules" / ".bin", os.environ["PATH"]]
    return os.environ | {"PATH": os.pathsep.join(map(str, path)), "NO_COLOR": "1"}


def imported(paths: list[Path]) -> set[Path]:
    """Files of the project that `paths` import, directly or not, and themselves."""
    found: set[Path] = set()
    while paths:
        path = paths.pop()
        if path in found:
            continue
        found.add(path)
        names = re.findall(r'from "(\.[^"]+)"', path.read_text())
        paths += [(path.parent / name).resolve() for name in names]
    return found


def workplace(name: str, files: set[Path]) -> Path:
    """A fresh copy of `files` under build/security."""
    place = BUILD / name
    for folder in ("src", "test", "out", "cache"):
        shutil.rmtree(place / folder, ignore_errors=True)
    for path in files:
        copy = place / path.relative_to(CONTRACTS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (place / "foundry.toml").write_text(SETTINGS)
    return place


def slither(variables: dict[str, str]) -> dict[str, Any]:
    """Numbers of findings below medium by impact, and of the explained ones; SystemExit if one is not explained."""
    files = sources()["slither"]
    of, place = digest(files), workplace("slither", files)
    out = BUILD / "slither.json"
    out.unlink(missing_ok=True)
    config = CONTRACTS / "slither.config.json"
    command = ["slither", ".", "--config-file", str(config), "--json", str(out), "--no-fail-pedantic"]
    done = subprocess.run(command, cwd=place, env=variables, capture_output=True, text=True)
    if not out.exists():
        raise SystemExit(f"security: Slither did not run:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    findings = json.loads(out.read_text())["results"].get("detectors", [])
    counts: dict[str, int] = {}
    reasons: dict[str, int] = {}
    unexplained = []
    for finding in findings:
        impact, check = finding["impact"], finding["check"]
        if impact not in GRAVE:
            counts[impact] = counts.get(impact, 0) + 1
        elif exception(finding):
            reasons[f"{check}: {exception(finding)}"] = reasons.get(f"{check}: {exception(finding)}", 0) + 1
        else:
            unexplained.append(f"{impact} {check}: {finding['description']}")
    if unexplained:
        print("\n".join(unexplained))
        raise SystemExit(
            "security: mend these findings, or say in EXCEPTIONS of tools/security.py why they are none"
        )
    explained = dict(sorted(reasons.items()))
    return {"sources": of, "below medium": dict(sorted(counts.items())), "explained": explained}


def halmos(variables: dict[str, str]) -> dict[str, Any]:
    """Names of the checks, all of which hold. SystemExit otherwise."""
    files = sources()["halmos"]
    of, place = digest(files), workplace("halmos", files)
    out = BUILD / "halmos.json"
    (place / "src" / "Registry.sol").write_text(EMPTY_REGISTRY)
    out.unlink(missing_ok=True)
    options = [
        "--solver-threads",
        "1",
        "--loop",
        "8",
        "--solver-timeout-assertion",
        "120s",
        "--json-output",
        str(out),
    ]
    done = subprocess.run(["halmos", *options], cwd=place, env=variables, capture_output=True, text=True)
    if not out.exists():
        raise SystemExit(f"security: Halmos did not run:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    results = json.loads(out.read_text())["test_results"]
    tests = [(f"{name.rpartition(':')[2]}.{t['name']}", t) for name, found in results.items() for t in found]
    failed = [name for name, test in tests if test["exitcode"] != 0]
    if failed or not tests:
        raise SystemExit(f"security: these checks do not hold: {failed}\n{done.stdout[-6000:]}")
    return {"sources": of, "checks": sorted(name.partition("(")[0] for name, _ in tests)}


def main() -> None:
    """What is stale, or the check of the report."""
    wanted = stale()
    if sys.argv[1:] == ["--check"]:
        raise SystemExit(f"security: {wanted} of other sources; run `make security`" if wanted else 0)
    variables = environment()
    report = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    for name, tool in (("slither", slither), ("halmos", halmos)):
        if name not in wanted:
            say(f"{name}: as before")
            continue
        started = time.monotonic()
        report[name] = tool(variables)
        REPORT.write_text(json.dumps(dict(sorted(report.items())), indent=1) + "\n")
        say(f"{name}: fine, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
