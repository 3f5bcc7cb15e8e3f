"""`fairtrain doctor` and the frame of the program: options, errors, exit codes, missing packages."""

from __future__ import annotations

import json
import re
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest

from market.chain.deployment import Deployment
from market.cli import EXIT_CODES, EXIT_MISSING, fairtrain, load_command, run
from market.cli.context import App, common_options, pass_app
from market.cli.doctor import examine_chain
from market.cli.output import Output, amount, jsonable, short
from market.devnet import Devnet, free_port
from market.errors import ChainError, FairtrainError, VerificationError
from market.phases import Phase

DOCS = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run(fairtrain, [str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("FAIRTRAIN_RPC", "FAIRTRAIN_HOME", "FAIRTRAIN_DEPLOYMENT", "FAIRTRAIN_STORE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def findings(out: str) -> dict[str, dict[str, str]]:
    return {row["name"]: row for row in json.loads(out)["findings"]}


class TestDoctor:
    @pytest.mark.chain
    def test_doctor_with_chain_and_market__all_ok(
        self, anvil: Devnet, deployment: Deployment, home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        deployment.save(home / "deployments" / "31337.json")
        code, out, _ = call(capsys, "--home", home, "--rpc", anvil.url, "doctor", "--json")
        rows = findings(out)
        assert code == 0
        for name in ("python", "packages", "data folder", "anvil", "chain", "deployment", "market"):
            assert rows[name]["state"] == "ok", rows[name]
        assert rows["deployment"]["text"] == deployment.market

    def test_examine_chain_nobody_there__names_the_command(self, home: Path) -> None:
        app = App(home=home, rpc_urls=f"http://127.0.0.1:{free_port()}")
        (row,) = examine_chain(app)
        assert (row.name, row.state, row.next) == ("chain", "optional", "fairtrain devnet --detach")

    @pytest.mark.chain
    def test_examine_chain_without_market__says_deploy(self, anvil: Devnet, home: Path) -> None:
        chain, deployment = examine_chain(App(home=home, rpc_urls=anvil.url))
        assert chain.state == "ok"
        assert (deployment.name, deployment.next) == ("deployment", "fairtrain deploy --help")

    def test_doctor_data_folder_is_a_file__exit_8_with_next_command(
        self, home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        home.write_text("")
        code, out, _ = call(capsys, "--home", home, "--rpc", f"http://127.0.0.1:{free_port()}", "doctor")
        assert code == EXIT_MISSING
        assert out.splitlines()[-1] == "next: fairtrain --home DIR doctor"


@click.command()
@click.argument("what")
@common_options
@pass_app
def failing(app: App, what: str) -> None:
    """Ends as told."""
    errors = {
        "chain": ChainError("E201", "chain changed"),
        "verify": VerificationError("round 1 seat 2", 5, 6),
        "base": FairtrainError("E199", "refused"),
        "abort": click.Abort(),
        "interrupt": KeyboardInterrupt(),
        "bug": ZeroDivisionError(),
        "usage": click.UsageError("wrong"),
    }
    if what in errors:
        raise errors[what]
    app.out.line(f"home {app.home}")
    app.out.result({"home": app.home})


class TestRun:
    @pytest.mark.parametrize(
        ("what", "code", "said"),
        [
            ("chain", 4, "error: E201 chain changed"),
            ("verify", 7, "error: E301 round 1 seat 2: posted 5, computed 6"),
            ("base", 1, "error: E199 refused"),
            ("abort", 130, "error: E106 interrupted"),
            ("interrupt", 130, "error: E106 interrupted"),
            ("nothing", 0, ""),
        ],
    )
    def test_run_outcome__exit_code_and_one_line(
        self, capsys: pytest.CaptureFixture[str], what: str, code: int, said: str
    ) -> None:
        assert run(failing, [what]) == code
        assert capsys.readouterr().err.strip() == said
        assert code in EXIT_CODES

    @pytest.mark.parametrize(("what", "code"), [("chain", 4), ("usage", 2)])
    def test_run_outcome_json__document_on_standard_error(
        self, capsys: pytest.CaptureFixture[str], what: str, code: int
    ) -> None:
        assert run(failing, [what, "--json"]) == code
        said = capsys.readouterr()
        body = json.loads(said.err)
        assert (said.out, body["ok"], body["exit_code"]) == ("", False, code)

    def test_run_bug__keeps_its_traceback(self) -> None:
        with pytest.raises(ZeroDivisionError):
            run(failing, ["bug"])

    def test_run_option__wins_over_variable_over_default(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("FAIRTRAIN_HOME", str(tmp_path / "variable"))
        run(failing, ["-", "--json"])
        run(failing, ["-", "--json", "--home", str(tmp_path / "option")])
        said = re.findall(r'"home": "(.*)"', capsys.readouterr().out)
        assert said == [str(tmp_path / "variable"), str(tmp_path / "option")]


class TestCommands:
    def test_fairtrain_help__lists_every_group(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = call(capsys, "--help")
        assert code == 0
        for name in ("aggregator", "demo", "deploy", "devnet", "doctor", "project", "trainer"):
            assert re.search(rf"^  {name} ", out, re.MULTILINE), name

    def test_fairtrain_unknown_command__usage_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, err = call(capsys, "nonsense")
        assert code == 2
        assert "No such command 'nonsense'" in err

    @pytest.mark.parametrize("value", ["no_such_package.cli:trainer", "market.cli:no_such_name"])
    def test_load_command_package_missing__one_line_and_exit_8(
        self, capsys: pytest.CaptureFixture[str], value: str
    ) -> None:
        command = load_command(EntryPoint("trainer", value, "fairtrain.commands"))
        assert run(command, ["run", "--any", "option"]) == EXIT_MISSING
        err = capsys.readouterr().err
        assert err.startswith("error: E105 `trainer` cannot be loaded: ")
        assert "pip install 'fairtrain[trainer]'" in err
        assert len(err.splitlines()) == 1


class TestOutput:
    @pytest.mark.parametrize(
        ("units", "text"),
        [
            (0, "0 ETH"),
            (1, "0.000000000000000001 ETH"),
            (10**18, "1 ETH"),
            (12_500_000_000_000_000, "0.0125 ETH"),
            (-(10**17), "-0.1 ETH"),
        ],
    )
    def test_amount__exact(self, units: int, text: str) -> None:
        assert amount(units) == text

    def test_amount_without_decimals__whole_units(self) -> None:
        assert amount(1205, "PT", 0) == "1205 PT"

    def test_jsonable__plain_types_only(self) -> None:
        value = {1: (b"\x01", Phase.FINAL, Path("a")), "app": {"x": None}}
        assert jsonable(value) == {"1": ["0x01", "final", "a"], "app": {"x": None}}

    def test_table_json__silent(self, capsys: pytest.CaptureFixture[str]) -> None:
        out = Output(as_json=True)
        out.line("x")
        out.table("t", ["a"], [[1]])
        assert capsys.readouterr().out == ""

    def test_table_markup__shown_as_it_is(self, capsys: pytest.CaptureFixture[str]) -> None:
        Output().line("[bold]x[/bold]")
        assert capsys.readouterr().out == "[bold]x[/bold]\n"

    def test_short__keeps_both_ends(self) -> None:
        assert short("0x" + "ab" * 20) == "0xabab…abab"
        assert short("0xabcd") == "0xabcd"


def test_exit_codes__are_documented_and_distinct() -> None:
    text = DOCS.read_text()
    for code in EXIT_CODES:
        assert re.search(rf"^\| {code} \|", text, re.MULTILINE), (
            f"docs/cli.md has no row for exit code {code}"
        )
    used = {cls.exit_code for cls in _all_errors(FairtrainError)}
    assert used <= set(EXIT_CODES)


def _all_errors(cls: type[FairtrainError]) -> set[type[FairtrainError]]:
    return {cls}.union(*(_all_errors(sub) for sub in cls.__subclasses__()))
