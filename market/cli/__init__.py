"""The command-line program `fairtrain`: groups found by entry points, one place for errors and exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from market.cli.context import App, common_options
from market.errors import FairtrainError

ENTRY_POINTS = "fairtrain.commands"
EXIT_MISSING = 8
"""A part of the installation that the command needs is not there."""
EXIT_INTERRUPTED = 130

EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "refused for another reason",
    2: "an option, file or text of the user is wrong (E1xx)",
    3: "the store cannot give or keep an object",
    4: "the node, the deployment or a transaction is not as expected (E201-E209, E220-E222)",
    5: "the keystore cannot be opened (E210-E219)",
    6: "the market contract refuses the call",
    7: "a posted number differs from the recomputed one (E301)",
    EXIT_MISSING: "a part of the installation is missing; `fairtrain doctor` names it",
    EXIT_INTERRUPTED: "interrupted by the user",
}
"""Every exit code of every command; `docs/errors.md` shows this table."""


class CommandError(FairtrainError):
    """A command whose package cannot be loaded."""

    exit_code = EXIT_MISSING


class EntryPointGroup(click.Group):
    """A group whose commands are looked up by entry point when they are named, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all installed groups, in alphabetical order."""
        return sorted(entry.name for entry in entry_points(group=ENTRY_POINTS))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; a stand-in that explains itself if its package cannot be imported."""
        found = [entry for entry in entry_points(group=ENTRY_POINTS) if entry.name == cmd_name]
        return load_command(found[0]) if found else None


def load_command(entry: EntryPoint) -> click.Command:
    """The click command behind an entry point, or a stand-in that ends with exit code 8 and one line."""
    try:
        command: click.Command = entry.load()
        return command
    except (ImportError, AttributeError) as error:
        return _stand_in(entry.name, str(error))


def _stand_in(name: str, reason: str) -> click.Command:
    extra = "trainer" if name == "trainer" else "dev"
    text = f"`{name}` cannot be loaded: {reason}; run `pip install 'fairtrain[{extra}]'`"

    def refuse(**_: Any) -> None:
        raise CommandError("E105", text)

    return click.Command(
        name,
        callback=refuse,
        params=[click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        short_help=f"(not available: {reason})",
    )


@click.group(cls=EntryPointGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fairtrain")
@common_options
def fairtrain() -> None:
    """A marketplace for collaborative model training: locked budgets, measured contribution, results anyone
    can recompute."""


def run(command: click.Command, arguments: Sequence[str] | None = None, name: str | None = None) -> int:
    """Runs a command and returns its exit code; expected refusals become one line on standard error.

    Console scripts call it with their own group. Commands take the `App` by `pass_app`, return nothing, and
    end early with `context.exit(code)`. Bugs are not caught: they show their traceback.
    """
    app = App()
    try:
        outcome = command.main(
            args=None if arguments is None else list(arguments),
            prog_name=name,
            obj=app,
            standalone_mode=False,
        )
    except FairtrainError as error:
        _report(app, error.code, error.text, error.exit_code)
        return error.exit_code
    except click.ClickException as error:
        if app.as_json:
            _report(app, "E100", error.format_message(), error.exit_code)
        else:
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _report(app, "E106", "interrupted", EXIT_INTERRUPTED)
        return EXIT_INTERRUPTED
    return outcome if isinstance(outcome, int) else 0


def main() -> None:
    """Entry point of the console script `fairtrain`."""
    sys.exit(run(fairtrain, name="fairtrain"))


def _report(app: App, code: str, text: str, exit_code: int) -> None:
    if app.as_json:
        body = {"ok": False, "error": text, "code": code, "exit_code": exit_code}
        print(json.dumps(body), file=sys.stderr)
    else:
        print(f"error: {code} {text}", file=sys.stderr)


if __name__ == "__main__":
    main()
