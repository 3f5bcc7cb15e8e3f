"""Where tools are: Foundry's programs, and environments of their own for what nobody needs to build, test or use the
project. Standard library only."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def foundry(program: str) -> Path:
    """The program itself. The script of its npm package ends with 0 whatever the program said: it is no gate."""
    found = sorted(ROOT.glob(f"node_modules/@foundry-rs/{program}-*/bin/{program}"))
    if not found:
        raise SystemExit(f"{program} is missing; run `make setup` first")
    return found[0]


def ready(name: str, what: str) -> Path:
    """`.venv-{name}` as `tools/requirements-{name}.lock` says, with hashes; installs only if the lock has changed."""
    folder, lock = ROOT / f".venv-{name}", ROOT / "tools" / f"requirements-{name}.lock"
    stamp, wanted = folder / ".stamp", hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    print(f"{name}: installing {what} into {folder.name}", flush=True)
    uv = ROOT / ".venv" / "bin" / "uv"
    if not uv.exists():
        raise SystemExit(f"{name}: .venv is missing; run `make setup` first")
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    options = ["--quiet", "--python", str(python), "--require-hashes", "-r", str(lock)]
    subprocess.run([str(uv), "pip", "install", *options], check=True)
    stamp.write_text(wanted)
    return folder
