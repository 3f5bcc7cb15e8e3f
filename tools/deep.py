"""The long tests, one after another, and what they played: each that has passed is written to contracts/test/deep.json.

    python3 tools/deep.py [PART ...]   all parts: foundry (its deep profile), specification (beside the contract),
                                       results (2,000 mutated ones)

Standard library only. Figures are counts and seconds; nothing else of the machine is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from environments import foundry

ROOT: Final = Path(__file__).resolve().parent.parent
REPORT: Final = ROOT / "contracts" / "test" / "deep.json"
FORGE: Final = foundry("forge")
PARTS: Final[dict[str, tuple[list[str], Path]]] = {
    "foundry": ([str(FORGE), "test"], ROOT / "contracts"),
    "specification": ([sys.executable, "-m", "pytest", "-q", "tests/stateful"], ROOT),
    "results": ([sys.executable, "-m", "pytest", "-q", "tests/refute/test_mutations.py"], ROOT),
}
CAMPAIGN: Final = re.compile(
    r"^\[PASS\] invariant_\w+\(\) \(runs: (\d+), calls: (\d+), reverts: (\d+)\)", re.MULTILINE
)
FUZZ: Final = re.compile(r"^\[PASS\] testFuzz_\w+\(.*\) \(runs: (\d+),", re.MULTILINE)
PASSED: Final = re.compile(r"(\d+) (?:tests )?passed")


def figures(output: str) -> dict[str, int]:
    """What a part says that it played."""
    found: dict[str, int] = {}
    if campaigns := [tuple(map(int, match)) for match in CAMPAIGN.findall(output)]:
        names = ("campaign runs", "campaign calls", "campaign reverts")
        found |= dict(zip(names, map(sum, zip(*campaigns, strict=True)), strict=True))
    if runs := [int(count) for count in FUZZ.findall(output)]:
        found |= {"fuzz tests": len(runs), "fuzz runs": sum(runs)}
    counts = PASSED.findall(output)
    return found | {"passed": int(counts[-1]) if counts else 0}


def play(name: str) -> dict[str, Any]:
    """Runs a part; SystemExit with the end of its output if it fails."""
    command, folder = PARTS[name]
    profiles = {"FOUNDRY_PROFILE": "deep", "FAIRTRAIN_PROFILE": "deep", "NO_COLOR": "1"}
    started = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=os.environ | profiles, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"deep: {name} failed:\n{done.stdout[-6000:]}{done.stderr[-2000:]}")
    return figures(done.stdout) | {"seconds": round(time.monotonic() - started)}


def keep(name: str, played: dict[str, Any]) -> None:
    """Adds the figures of a part to the report, with the contracts that they are of."""
    report = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    report[name] = played | {"cores": os.cpu_count(), "sources": sources()}
    REPORT.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")


def sources() -> str:
    """SHA-256 of the contracts, in the order of their names; sixteen digits tell versions apart."""
    paths = sorted((ROOT / "contracts" / "src").rglob("*.sol"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def main() -> None:
    """The parts that are asked for, in order."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := [name for name in chosen if name not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; expected some of {', '.join(PARTS)}")
    for name in chosen:
        played = play(name)
        keep(name, played)
        print(f"{name}: {json.dumps(played)}", flush=True)


if __name__ == "__main__":
    main()
