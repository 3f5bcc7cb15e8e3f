"""Lines and branches of escrow, payout and refutation code that the Foundry tests reach: prints a table by file.

    python3 tools/coverage.py        minutes: everything is compiled again, with `--ir-minimum`

Standard library only. `forge coverage` wants one compiler profile and little optimisation, with which campaigns do not
compile; so it runs in a copy under build/coverage, on the unit tests that mutants are tested with.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from environments import foundry
from mutants import CONTRACTS, HARNESS, LEFT_OUT, ROOT, closure

PLACE: Final = ROOT / "build" / "coverage" / "contracts"
LIBRARIES: Final = ROOT / "node_modules" / "@layerzerolabs" / "toolbox-foundry" / "lib"
STANDARD: Final = ("forge-std", "ds-test")
SETTINGS: Final = (
    (r"^additional_compiler_profiles[^\n]*\n", ""),
    (r"^compilation_restrictions = \[.*?^\]\n", ""),
    (r'"\.\./tools/', '"../../../tools/'),
    (r'"\.\./node_modules"', '"lib"'),
    (r"=\.\./node_modules/(@layerzerolabs/toolbox-foundry/lib/)?", "=lib/"),
)
"""What changes in foundry.toml."""
TOTAL: Final = re.compile(r"^(LF|LH|BRF|BRH):(\d+)$", re.MULTILINE)
BRANCH: Final = re.compile(r"^BRDA:(\d+),.*,(\S+)$", re.MULTILINE)
COUNTS: Final = {"LF": 0, "LH": 0, "BRF": 0, "BRH": 0}


def copy() -> None:
    """The market, its tests and libraries, and settings with one compiler profile. Sources outside of the folder of the
    settings are compiled, but not found again when forge counts."""
    shutil.rmtree(PLACE, ignore_errors=True)
    paths = [
        path
        for folder in (".", "tokens", "corners")
        for path in (CONTRACTS / "test" / folder).glob("*.t.sol")
    ]
    names = [path.relative_to(CONTRACTS).as_posix() for path in paths if path.name not in LEFT_OUT]
    for name, text in closure([HARNESS, *names], {}, CONTRACTS).items():
        path = PLACE / ("lib" if name.startswith("@") else "") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in STANDARD:
        shutil.copytree(LIBRARIES / name, PLACE / "lib" / name)
    settings = (CONTRACTS / "foundry.toml").read_text()
    for pattern, replacement in SETTINGS:
        settings = re.sub(pattern, replacement, settings, flags=re.MULTILINE | re.DOTALL)
    (PLACE / "foundry.toml").write_text(settings)


def measured() -> str:
    """What forge writes for lcov."""
    command = [
        str(foundry("forge")),
        "coverage",
        "--ir-minimum",
        "--report",
        "lcov",
        "--no-match-coverage",
        "test|^lib/",
    ]
    path = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])
    done = subprocess.run(command, cwd=PLACE, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"coverage: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return (PLACE / "lcov.info").read_text()


def table(lcov: str) -> str:
    """A line for each file: percent of lines and of branches, and the lines that nothing reached."""
    rows = []
    for record in lcov.split("end_of_record"):
        if not (name := re.search(r"^SF:(.*)$", record, re.MULTILINE)):
            continue
        counts = COUNTS | {key: int(value) for key, value in TOTAL.findall(record)}
        missed = re.findall(r"^DA:(\d+),0$", record, re.MULTILINE)
        branches = sorted({line for line, hits in BRANCH.findall(record) if hits in "-0"}, key=int)
        shares = [
            100.0 * counts[hit] / counts[found] if counts[found] else 100.0
            for hit, found in (("LH", "LF"), ("BRH", "BRF"))
        ]
        where = f"  lines {' '.join(missed) or '-'}  branches {' '.join(branches) or '-'}"
        rows.append(f"{Path(name[1]).as_posix():28} {shares[0]:5.1f} {shares[1]:5.1f}{where}")
    return "\n".join(sorted(rows))


def main() -> None:
    """Copies, measures, prints."""
    copy()
    print(table(measured()))


if __name__ == "__main__":
    main()
