"""What `make test` runs must be able to say no."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def makefile_forge() -> str:
    """The program that the Makefile calls for the contracts."""
    lines = subprocess.run(
        ["make", "-n", "contracts"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"&& (\S+) test", lines)
    assert found, lines
    return found[1]


def test_forge_of_the_makefile_refused__ends_with_an_error() -> None:
    """The script that npm installs ends with 0 whatever happened, so failing tests of contracts passed."""
    assert subprocess.run([makefile_forge(), "no-such-command"], capture_output=True).returncode != 0


def test_forge_of_the_tools__is_the_same_program() -> None:
    code = "from environments import foundry; print(foundry('forge'))"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "tools", capture_output=True, text=True, check=True
    )
    assert Path(told.stdout.strip()).samefile(makefile_forge())


def test_sources__never_call_the_script_of_npm() -> None:
    texts = [ROOT / "Makefile", *(ROOT / "tools").glob("*.py")]
    assert [path.name for path in texts if ".bin/forge" in path.read_text()] == []


def test_contracts__are_all_compiled_before_some_are_tested() -> None:
    """On a fresh machine, forge that compiles for some paths only ends with "no matching artifact found"."""
    for target in ("contracts", "campaign", "deep"):
        lines = subprocess.run(
            ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        built, tested = (
            lines.find(words) for words in (" build --quiet", "deep.py" if target == "deep" else " test ")
        )
        assert 0 <= built < tested, lines
