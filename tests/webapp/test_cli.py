"""`fairtrain web` as users start it: one command, index and site, and what it refuses."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from market.chain.deployment import Deployment
from market.cli import run
from market.cli.context import App
from market.devnet import Devnet
from market.errors import ChainError, InputError
from tests.webapp.conftest import DEPLOYMENT
from webapp.cli import listen, settings_of, web

NONE = {"publish": None, "wish_url": "", "wish_model": "", "names": (), "stale_after": 120}
NONE |= {"chain_name": "", "wallet_rpc": ""}


@pytest.fixture
def app(tmp_path: Path) -> App:
    """Settings with a deployment file."""
    DEPLOYMENT.save(tmp_path / "deployment.json")
    return App(home=tmp_path, rpc_urls="http://127.0.0.1:1", deployment_file=tmp_path / "deployment.json")


def test_settings_on_loopback__publish_and_answer_to_its_names_only(app: App) -> None:
    found = settings_of(app, "127.0.0.1", None, **NONE)

    assert found.publish
    assert found.hosts == ("127.0.0.1", "localhost", "::1")
    assert found.database == f"sqlite:///{app.home / 'index.sqlite'}"


def test_settings_open_to_others__publish_nothing_and_want_a_name(app: App) -> None:
    with pytest.raises(InputError, match="--allow-host"):
        settings_of(app, "0.0.0.0", None, **NONE)

    found = settings_of(app, "0.0.0.0", None, **{**NONE, "names": ("Train.Example",)})
    assert not found.publish
    assert found.hosts == ("train.example",)
    assert found.rpc_hint == ""


@pytest.mark.parametrize(("url", "model"), [("http://x", ""), ("", "m")])
def test_settings_half_of_a_service__refuse(app: App, url: str, model: str) -> None:
    with pytest.raises(InputError, match="go together"):
        settings_of(app, "127.0.0.1", None, **{**NONE, "wish_url": url, "wish_model": model})


def test_listen_on_a_taken_port__refuses_with_the_next_step() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ChainError, match="--port"):
            listen("127.0.0.1", taken.getsockname()[1])


def test_web_without_an_index__refuses_with_the_next_step(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--no-index", "--port", "0", "--home", str(app.home), "--deployment", str(app.deployment_file)]

    assert run(web, words) == 4
    assert "E208" in capsys.readouterr().err


MAIN = """
import sys
from market.cli import run
from webapp.cli import web
if __name__ == "__main__":
    sys.exit(run(web))
"""


@pytest.mark.chain
def test_web__starts_index_and_site_and_ends_with_both(
    tmp_path: Path, anvil: Devnet, deployment: Deployment
) -> None:
    deployment.save(tmp_path / "deployment.json")
    (tmp_path / "main.py").write_text(MAIN)
    words = ["--port", "0", "--home", str(tmp_path), "--rpc", anvil.url]
    words += ["--deployment", str(tmp_path / "deployment.json")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py"), *words],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        url = next(found[0] for line in process.stdout if (found := re.search(r"http://[0-9.:]+", line)))
        with urllib.request.urlopen(f"{url}/healthz", timeout=20) as answer:
            assert answer.status == 200
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/healthz", timeout=2)
