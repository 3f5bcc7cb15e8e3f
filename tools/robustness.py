"""The judgement bench with its peers: ByzFL and matplotlib live in .venv-robustness, pinned with hashes.

python3 tools/robustness.py [arguments of python -m benchmarks.robustness]
"""

from __future__ import annotations

import subprocess
import sys

from environments import ROOT, ready


def main() -> None:
    """Installs what is missing, then runs the bench."""
    python = ready("robustness", "ByzFL and matplotlib") / "bin" / "python"
    command = [str(python), "-m", "benchmarks.robustness", *sys.argv[1:]]
    raise SystemExit(subprocess.run(command, cwd=ROOT).returncode)


if __name__ == "__main__":
    main()
