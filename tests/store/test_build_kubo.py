"""The tool that finds or builds Kubo, with small programs in the place of `ipfs` and `go`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent.parent / "tools" / "kubo" / "build.py"
GOOD_GO = 'if [ "$1" = env ]; then echo go1.26.6; exit; fi\n'
BUILDS = (
    GOOD_GO
    + 'while [ "$1" != -o ]; do shift; done; printf "#!/bin/sh\\necho 0.43.0\\n" > "$2"; chmod +x "$2"'
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that is the whole path, with a cache beside it, and a Python without a `go` beside it."""
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(place: Path, name: str, body: str) -> Path:
    path = place / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def run(place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{place / 'bin'}:/usr/bin:/bin", "XDG_CACHE_HOME": str(place / "cache")}
    (place / "python").mkdir(exist_ok=True)
    python = place / "python" / "python"
    if not python.exists():
        python.symlink_to(sys.executable)
    # -S: the linked interpreter has no site packages and needs none.
    command = [str(python), "-S", str(SCRIPT), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def cached(place: Path) -> Path:
    return place / "cache" / "fairtrain" / "kubo-0.43.0" / "ipfs"


@pytest.mark.parametrize("version", ["0.37.0", "0.43.0", "1.0.0"])
def test_build_recent_ipfs_on_path__is_used(place: Path, version: str) -> None:
    ipfs = program(place, "ipfs", f"echo {version}")
    assert run(place).stdout == f"{ipfs}\n"


@pytest.mark.parametrize("body", ["echo 0.36.9", "echo 0.4.23", "exit 1", "echo nonsense"])
def test_build_old_or_broken_ipfs_on_path__builds_instead(place: Path, body: str) -> None:
    program(place, "ipfs", body)
    program(place, "go", BUILDS)
    result = run(place)
    assert result.stdout == f"{cached(place)}\n"
    assert "building Kubo 0.43.0" in result.stderr


def test_build_pinned__passes_over_the_path(place: Path) -> None:
    program(place, "ipfs", "echo 0.99.0")
    program(place, "go", BUILDS)
    assert run(place, "--pinned").stdout == f"{cached(place)}\n"


def test_build_second_time__uses_the_cache_without_go(place: Path) -> None:
    go = program(place, "go", BUILDS)
    run(place)
    go.unlink()
    result = run(place)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{cached(place)}\n", "")


@pytest.mark.parametrize("version", ["1.26.4", "1.27.0", "1.9.9", "2.0.0"])
def test_build_unfit_go__refuses_in_one_line(place: Path, version: str) -> None:
    program(place, "go", f"echo go{version}")
    result = run(place)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert f"needs Go >= 1.26.5 and < 1.27 (found: {version})" in result.stderr


@pytest.mark.parametrize("version", ["1.26.5", "1.26.99"])
def test_build_fit_go__builds(place: Path, version: str) -> None:
    program(place, "go", BUILDS.replace("1.26.6", version))
    assert run(place).returncode == 0


def test_build_go_fails__refuses_with_its_last_line_and_caches_nothing(place: Path) -> None:
    program(place, "go", GOOD_GO + "echo module lookup failed >&2; exit 1")
    result = run(place)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("no Kubo: building 0.43.0 failed: module lookup failed")
    assert sorted(path.name for path in cached(place).parent.iterdir()) == ["build.log", "lock"]
