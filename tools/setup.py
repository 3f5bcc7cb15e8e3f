"""Sets a checkout up: Python environment, Node tools, contract tools. Standard library only.

    python3 tools/setup.py          does what is missing, says what it does, can be run again at any time

Steps and what they leave behind (all inside the checkout, nothing else is touched):

    .venv/            the Python packages of requirements.lock, and this project in editable form
    .venv-tools/      Node (and Go, for Kubo) from PyPI wheels, only where the machine has none
    node_modules/     Foundry, solc, OpenZeppelin, Ganache of package-lock.json

A stamp with the hash of the lock files makes a second run take less than a second.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".venv-tools"
NODE_MIN = 20
GO_MIN, GO_BELOW = (1, 26, 5), (1, 27, 0)  # Kubo 0.43.0 builds with these only


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def run(*command: str | Path, **options: object) -> None:
    """Runs a command; its output is shown only when it fails, with the command to repeat."""
    started = time.monotonic()
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
        what = f"{' '.join(words)} (exit {done.returncode})"
        raise SystemExit(f"setup: failed: {what}; mend the cause and run `make setup` again")
    say(f"  done in {time.monotonic() - started:.0f} s")


def stamp_is(path: Path, *sources: Path) -> bool:
    """True when `path` records the present content of `sources`."""
    return path.exists() and path.read_text() == digest(*sources)


def digest(*sources: Path) -> str:
    hashed = hashlib.sha256()
    for source in sources:
        hashed.update(source.read_bytes())
    return hashed.hexdigest()


def version_of(command: str, argument: str) -> tuple[int, ...]:
    """Version of a program on the path as numbers, () when it is not there or says nothing."""
    found = shutil.which(command)
    if not found:
        return ()
    said = subprocess.run([found, argument], capture_output=True, text=True).stdout
    for word in said.replace("go version go", "").split():
        parts = word.lstrip("v").split(".")
        if all(part.isdigit() for part in parts):
            return tuple(int(part) for part in parts)
    return ()


def python_environment() -> None:
    lock, stamp = ROOT / "requirements.lock", VENV / ".stamp"
    sources = (lock, ROOT / "pyproject.toml")
    if stamp_is(stamp, *sources):
        return
    uv = VENV / "bin" / "uv"
    if not (VENV / "bin" / "python").exists():
        say("creating .venv")
        run(sys.executable, "-m", "venv", VENV)
    bootstrap = ROOT / "tools" / "requirements-bootstrap.lock"
    say("installing uv")
    run(VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", bootstrap)
    say("installing the locked Python packages, PyTorch among them (some minutes on a slow line)")
    environment = os.environ | {"VIRTUAL_ENV": str(VENV)}
    # Compiled now, since a demonstration starts a dozen processes and some machines forbid writing bytecode later.
    run(
        uv, "pip", "install", "--quiet", "--compile-bytecode", "--require-hashes", "-r", lock, env=environment
    )
    say("installing fairtrain itself")
    run(
        uv,
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--editable",
        ".",
        env=environment,
    )
    stamp.write_text(digest(*sources))


def tools_environment(packages: list[str]) -> None:
    """Installs Node or Go wheels into .venv-tools; `packages` are names in the tools lock file."""
    lock, stamp = ROOT / "tools" / "requirements-tools.lock", TOOLS / ".stamp"
    if stamp_is(stamp, lock):
        return
    say(f"no usable {' or '.join(packages)} on the path: installing it from PyPI into .venv-tools")
    if not (TOOLS / "bin" / "python").exists():
        run(sys.executable, "-m", "venv", TOOLS)
    uv, python = VENV / "bin" / "uv", TOOLS / "bin" / "python"
    run(uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", lock)
    stamp.write_text(digest(lock))


def node_environment() -> None:
    missing = []
    if version_of("node", "--version") < (NODE_MIN,):
        missing.append("node")
    go = version_of("go", "version")
    if not (shutil.which("ipfs") or GO_MIN <= go < GO_BELOW):
        missing.append("go")
    if missing:
        tools_environment(missing)
    lock, stamp = ROOT / "package-lock.json", ROOT / "node_modules" / ".stamp"
    if stamp_is(stamp, lock):
        return
    say("installing Foundry, solc, OpenZeppelin and Ganache (npm)")
    path = os.pathsep.join([os.environ.get("PATH", ""), str(TOOLS / "bin")])
    # The Foundry packages carry their binaries: no package needs its install script. `npm ci` refuses a lock
    # file without the platforms that its maker's registry did not offer; `install` keeps its versions and hashes.
    npm = shutil.which("npm", path=path) or "npm"
    run(
        npm,
        "install",
        "--no-save",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        env=os.environ | {"PATH": path},
    )
    stamp.write_text(digest(lock))


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the one file that an older Python may be asked to run
        have = sys.version.split()[0]
        raise SystemExit(
            f"setup: Python 3.11 or newer is needed, this is {have}: make PYTHON=python3.11 setup"
        )
    python_environment()
    node_environment()


if __name__ == "__main__":
    main()
