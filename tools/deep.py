"""The long tests, one after another, and what they played: writes contracts/test/deep.json when all have passed.

    python3 tools/deep.py        Foundry's deep profile, specification beside contract, 2,000 mutated results

Standard library only. Figures are counts and seconds; nothing else of the machine is kept.
"""

from __future__ import annotations

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
    "mutated results": ([sys.executable, "-m", "pytest", "-q", "tests/refute/test_mutations.py"], ROOT),
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


def main() -> None:
    """All parts in order."""
    report: dict[str, Any] = {}
    for name in PARTS:
        report[name] = play(name)
        print(f"{name}: {json.dumps(report[name])}", flush=True)
    REPORT.write_text(json.dumps({"cores": os.cpu_count(), **report}, indent=1) + "\n")


if __name__ == "__main__":
    main()
