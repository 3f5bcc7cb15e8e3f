"""The fields of the create form: one table for the form, the sentence, the documentation and the tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One input. `kind`: text, number, choice or area. `group`: which box it stands in. `flag`: the option of
    `fairtrain project describe` or `create` that says the same."""

    name: str
    label: str
    group: str
    help: str = ""
    kind: str = "text"
    unit: str = ""
    choices: tuple[str, ...] = ()
    flag: str = ""


GROUPS = {
    "what": "What is learned",
    "money": "What it costs",
    "people": "Who takes part",
    "model": "Model and training",
    "time": "Time",
}
ADVANCED = ("model", "time")
"""Groups that begin closed: the preset is right for most."""

_TABLE = (
    Field("title", "Title", "what", "One line for people, public for ever."),
    Field(
        "features", "Features", "what", "Columns of your table without the class.", "number", flag="--shape"
    ),
    Field("image", "or image size", "what", "28x28, or 3x32x32 in colour.", flag="--shape"),
    Field("labels", "Classes", "what", "Names between commas, or how many (0, 1, 2, ...).", flag="--label"),
    Field("goal", "Stop at accuracy", "what", "Drawn on the curve; you stop, not the contract.", unit="%"),
    Field("budget", "Budget", "money", "What you mean to lock.", unit="ETH", flag="--budget"),
    Field("rounds", "Rounds", "money", "The budget is divided among them.", "number"),
    Field("pot", "Pot", "money", "Reserved for each round; else budget / rounds.", unit="ETH", flag="--pot"),
    Field("fee", "Aggregator's fee", "money", "Of each pot.", unit="%", flag="--fee-bps"),
    Field("token", "ERC-20 token", "money", "Its address; empty pays in the native coin.", flag="--token"),
    Field("decimals", "Token decimals", "money", "As the token says; your wallet compares it.", "number"),
    Field("symbol", "Token symbol", "money", "As the token says; shown here, frozen nowhere."),
    Field("seats", "Seats", "people", "Trainers at most.", "number", flag="--seats"),
    Field("min_seals", "Least seals", "people", "Fewer void a round.", "number", flag="--min-seals"),
    Field(
        "expected",
        "Expected",
        "people",
        "Seals that end the first COMMIT early.",
        "number",
        flag="--expected",
    ),
    Field("stake", "Stake", "people", "A trainer's, at least.", unit="ETH", flag="--stake"),
    Field(
        "bond_floor", "Bond floor", "people", "An aggregator's, at least.", unit="ETH", flag="--bond-floor"
    ),
    Field("admission", "Admitted addresses", "people", "One a line; empty admits everybody.", "area"),
    Field(
        "reference_key",
        "Reference key",
        "people",
        "Address that signs updates of yours: they steer weights, 0 % of pay; empty for none.",
        flag="--reference-key",
    ),
    Field("name", "Short name", "model", "Lower case, digits, hyphens.", flag="--name"),
    Field("model", "Model", "model", "", "choice", choices=("mlp", "cnn"), flag="--model"),
    Field("hidden", "Hidden layers", "model", "Widths between commas; `none` for none.", flag="--hidden"),
    Field("channels", "Channels", "model", "Of a cnn's blocks.", flag="--channels"),
    Field(
        "subtract", "Subtract", "model", "From each input; one number or one a feature.", flag="--subtract"
    ),
    Field("divide_by", "Divide by", "model", "Each input; one number or one a feature.", flag="--divide-by"),
    Field(
        "learning_rate",
        "Learning rate",
        "model",
        "Results may raise it to four times that.",
        flag="--learning-rate",
    ),
    Field("momentum", "Momentum", "model", flag="--momentum"),
    Field("batch_size", "Batch size", "model", "Samples in a step.", "number", flag="--batch-size"),
    Field("local_steps", "Local steps", "model", "In one round.", "number", flag="--local-steps"),
    Field(
        "step_bound", "Step bound", "model", "Largest length of one update, in weights.", flag="--step-bound"
    ),
    Field("lsb_exponent", "LSB exponent", "model", "Updates count in 2^-e.", "number", flag="--lsb-exponent"),
    Field(
        "seed", "Public seed", "model", "Of the first model; else from the rest of the description.", "number"
    ),
    Field("preset", "Preset", "time", "", "choice", choices=("mainnet", "demo", "minimal"), flag="--preset"),
    Field("ends_in", "Ends in", "time", "No round opens after 30d, 12h, ...", flag="--ends-in"),
    Field(
        "open_rounds",
        "Open rounds",
        "time",
        "May wait for FINAL at one time.",
        "number",
        flag="--open-rounds",
    ),
    Field("window_commit", "Commit", "time", "Trainers seal, at most.", flag="--commit"),
    Field("window_reveal", "Reveal", "time", "Sealed seats reveal, at most.", flag="--reveal"),
    Field("window_first_right", "First right", "time", "The last poster goes first.", flag="--first-right"),
    Field("window_proposed", "Proposed", "time", "An incomplete result may be replaced.", flag="--proposed"),
    Field("window_challenge", "Challenge", "time", "Before pay is final.", flag="--challenge"),
    Field("window_answer", "Answer", "time", "An ask may be answered.", flag="--answer"),
    Field("window_refute", "Refute", "time", "A refutation after an answer.", flag="--refute"),
    Field("window_dead", "Dead", "time", "Without a result a round becomes flat.", flag="--dead"),
)

FIELDS: dict[str, Field] = {field.name: field for field in _TABLE}
"""Every field by name, in the order of the page."""

TEXT_LIMIT = {"admission": 50_000, "labels": 12_000, "subtract": 12_000, "divide_by": 12_000}
"""Characters at most, where it is not 200."""
