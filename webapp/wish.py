"""A sentence instead of a form: a small deterministic grammar that fills the create form's fields.

It never guesses. Every number in the sentence must be understood, every word that carries a unit must be known, no
field may be said twice with different values; otherwise the answer holds a question. Nothing leaves this process.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_CHARACTERS = 600
Fields = dict[str, str]

NUMBER_WORDS = {
    **{
        word: str(number)
        for number, word in enumerate(
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
        )
    },
    **{
        word: str(number)
        for number, word in enumerate(["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen"], 10)
    },
    **{
        word: str(10 * number)
        for number, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty"], 2)
    },
    **{"a hundred": "100", "one hundred": "100", "a dozen": "12"},
}
PEOPLE = (
    r"(?:hospitals?|clinics?|trainers?|seats?|participants?|partners?|sites?|banks?|labs?|schools?|universit(?:y|ies)"
    r"|phones?|devices?|farms?|companies|company|organi[sz]ations?|people|members?|nodes?|parties|owners?|insurers?)"
)
AMOUNT = r"([0-9][0-9]*(?:\.[0-9]+)?)\s*(?:eth|ether)\b"
COUNT = r"([0-9]+)"
SPAN = r"([0-9]+)\s*(seconds?|minutes?|hours?|days?|weeks?|months?)"
PERCENT = r"([0-9]+(?:\.[0-9]+)?)\s*(?:%|percent|per cent)"
COIN = r"[0-9.]+\s*(?:btc|bitcoin|usdc?|eur|euros?|dollars?|gwei|[$\u20ac])|[$\u20ac]\s*[0-9.]+"
"""Money that is not paid here."""
FILLER = r"for|with|by|over|from|on|at|the|using|in|and|or|among|across"
"""Words that join parts of a sentence and name no class."""
_SEPARATOR = re.compile(r",|\s+and\s+|\s+or\s+|\s+from\s+", re.I)
LETTERS = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w"}


@dataclass
class Reading:
    """What was understood. `fields`: values of the create form. `notes`: how a part was read, for the owner to check.

    `questions`: what has to be said before there is a project; empty if the form can be checked as it is.
    """

    sentence: str
    fields: Fields = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    source: str = "local grammar"

    def put(self, name: str, value: str, said: str) -> None:
        """Sets a field; a second, different value becomes a question."""
        if self.fields.get(name, value) != value:
            self.ask(f"`{said}` and {self.fields[name]} both set {name.replace('_', ' ')}: which is right?")
        self.fields.setdefault(name, value)

    def ask(self, question: str) -> None:
        """Adds a question once."""
        if question not in self.questions:
            self.questions.append(question)


def read_wish(sentence: str) -> Reading:
    """Reads an owner's sentence (English, at most 600 characters)."""
    reading = Reading(sentence.strip())
    if not reading.sentence:
        reading.ask("What shall be learned, by how many trainers, for how much?")
        return reading
    if len(reading.sentence) > MAX_CHARACTERS:
        reading.ask(f"That has {len(reading.sentence)} characters; can you say it in {MAX_CHARACTERS}?")
        return reading
    if long := re.search(r"[0-9.]{20,}", reading.sentence):
        reading.ask(f"What does `{long[0][:30]}` stand for?")
        return reading
    if below := re.search(r"(?<![\w.])-\s?[0-9]+", reading.sentence):
        reading.ask(f"`{below[0]}` is below zero: what do you mean?")
        return reading
    rest = _normal(reading.sentence)
    for pattern, take in RULES:
        rest = _apply(rest, pattern, take, reading)
    _ask_about(rest, reading)
    _complete(reading)
    return reading


def _normal(sentence: str) -> str:
    text = " " + " ".join(sentence.split()).replace("\u00d7", "x").replace("\u2013", "-") + " "
    text = re.sub(r"(?<=[0-9])[,'_ ](?=[0-9]{3}\b)", "", text)
    for word in sorted(NUMBER_WORDS, key=len, reverse=True):
        # "one" is mostly a pronoun ("one of them"), so it counts only before a noun that is counted
        ahead = rf"(?=\s+(?:{PEOPLE}|rounds?|class))" if word == "one" else r"(?![\w])"
        text = re.sub(rf"(?<![\w]){word}{ahead}", NUMBER_WORDS[word], text, flags=re.I)
    return text


Take = Callable[[re.Match[str], Reading], None]


def _apply(text: str, pattern: str, take: Take, reading: Reading) -> str:
    """Every match is handed over and cut out, so that no part of a sentence counts twice."""
    for match in re.finditer(pattern, text, re.I):
        take(match, reading)
    return re.sub(pattern, " ; ", text, flags=re.I)


def _as(name: str, group: int = 1) -> Take:
    return lambda match, reading: reading.put(name, match[group], match[0].strip())


def _columns(match: re.Match[str], reading: Reading) -> None:
    columns = int(match[1])
    if columns < 2:
        reading.ask(
            f"A table with {columns} column has no class beside its features: how many columns are there?"
        )
        return
    reading.put("features", str(columns - 1), match[0].strip())
    reading.notes.append(f"{columns} columns: {columns - 1} features and the class in the last one")


def _image(match: re.Match[str], reading: Reading) -> None:
    colour = match[3] or match[0].lower().endswith(("colour", "color", "rgb"))
    size = f"{match[1]}x{match[2]}"
    reading.put("image", f"3x{size}" if colour else size, match[0].strip())


def _duration(match: re.Match[str], reading: Reading) -> None:
    word = match[2].lower().removesuffix("s")
    if word == "month":
        reading.put("ends_in", f"{30 * int(match[1])}d", match[0].strip())
        reading.notes.append("a month counts as 30 days")
    else:
        reading.put("ends_in", f"{match[1]}{LETTERS[word]}", match[0].strip())


def _percent(name: str) -> Take:
    def take(match: re.Match[str], reading: Reading) -> None:
        whole, _, rest = match[1].partition(".")
        # as a comparison of digits: no float decides what an owner meant
        if int(whole) > 100 or (int(whole) == 100 and rest.strip("0")) or not int(whole + rest):
            reading.ask(f"{match[1]} % cannot be reached: which accuracy do you mean?")
        else:
            reading.put(name, match[1], match[0].strip())

    return take


def _labels(match: re.Match[str], reading: Reading) -> None:
    parts = [
        re.sub(rf"\s+(?:{FILLER})$", "", part.strip(), flags=re.I) for part in _SEPARATOR.split(match[1])
    ]
    names = [part for part in parts if part and not re.fullmatch(FILLER, part, re.I)]
    if len(names) < 2 or any(len(name) > 32 or len(name.split()) > 3 for name in names):
        reading.ask(
            f"Which classes are there? I read `{match[1].strip()[:80]}`; write their names between commas."
        )
        return
    reading.put("labels", ",".join(names), match[0].strip())


def _hidden(match: re.Match[str], reading: Reading) -> None:
    reading.put("hidden", ",".join(re.findall(r"[0-9]+", match[1])), match[0].strip())


def _model(match: re.Match[str], reading: Reading) -> None:
    reading.put("model", "cnn" if match[1].lower().startswith(("cnn", "conv")) else "mlp", match[1])


def _preset(match: re.Match[str], reading: Reading) -> None:
    known = {"public chain": "mainnet", "mainnet": "mainnet", "main net": "mainnet"}
    reading.put("preset", known.get(match[1].lower(), "demo"), match[1])


RULES: list[tuple[str, Take]] = [
    (
        rf"(?:pot|reserve)s?\s+(?:of\s+)?{AMOUNT}|{AMOUNT}\s+(?:per|each|every|a|for each)\s+round",
        lambda m, r: r.put("pot", m[1] or m[2], m[0].strip()),
    ),
    (
        rf"(?:stake|deposit)s?\s+(?:of\s+)?(?:at least\s+)?{AMOUNT}|{AMOUNT}\s+(?:of\s+)?(?:stake|deposit)",
        lambda m, r: r.put("stake", m[1] or m[2], m[0].strip()),
    ),
    (
        rf"(?:(?:with\s+)?(?:a\s+)?(?:budget|spend|spending|costs?|pay|paying|lock|up to|for|at most)\s+(?:of\s+)?"
        rf"(?:is\s+)?(?:at most\s+|up to\s+)?)?{AMOUNT}(?:\s+(?:budget|in total|total|altogether))?",
        _as("budget"),
    ),
    (
        rf"\bfees?\s+(?:of\s+)?{PERCENT}|{PERCENT}\s+fee\b",
        lambda m, r: r.put("fee", m[1] or m[2], m[0].strip()),
    ),
    (
        rf"(?:stop(?:ping)?|end|finish|until|till|reach(?:es|ing)?|to)?\s*(?:once\s+)?(?:at|after|when|is|it)?\s*"
        rf"(?:it\s+)?(?:reaches\s+)?(?:accuracy\s+(?:is\s+|of\s+|reaches\s+)?)?{PERCENT}(?:\s+(?:accuracy|accurate|right|"
        rf"correct))?",
        _percent("goal"),
    ),
    (rf"{COUNT}[\s-]*columns?\b", _columns),
    (rf"{COUNT}[\s-]*(?:features?|inputs?|measurements?|variables?)\b", _as("features")),
    (r"([0-9]+)\s*x\s*([0-9]+)(?:\s*x\s*(3)\b)?(?:[\s-]*(?:pixels?|gr[ae]yscale|colou?r|rgb))?", _image),
    (rf"{COUNT}[\s-]*(?:class(?:es)?|labels?|categor(?:y|ies)|kinds?|species|types?)\b", _as("labels")),
    (rf"(?:at least|minimum(?: of)?|no fewer than|min)\s+{COUNT}\s+(?:{PEOPLE}|seals?)\b", _as("min_seals")),
    (rf"{COUNT}\s+(?:different\s+|independent\s+)?{PEOPLE}\b", _as("seats")),
    (rf"{COUNT}\s+(?:training\s+)?rounds?\b", _as("rounds")),
    (rf"{COUNT}\s+(?:local\s+)?steps?\b", _as("local_steps")),
    (rf"batch(?:es|\s+size)?\s+(?:of\s+)?{COUNT}\b", _as("batch_size")),
    (r"learning\s+rate\s+(?:of\s+)?([0-9]+(?:\.[0-9]+)?)", _as("learning_rate")),
    (rf"(?:for|within|in|over|lasting|runs?|ends?\s+(?:in|after))\s+(?:at most\s+)?{SPAN}\b", _duration),
    (r"hidden\s+(?:layers?\s+)?(?:of\s+)?([0-9]+(?:\s*(?:,|and|x)\s*[0-9]+)*)", _hidden),
    (r"\b(cnn|convolutional(?: network| net)?|convnet|mlp|perceptron)\b", _model),
    (r"\b(mainnet|main net|public chain|demo|devnet)\b", _preset),
    (r"\b(?:classes|labels)(?:\s+are)?\s*:?\s+([^.;:0-9]{1,500})", _labels),
]
"""(pattern, what it means), tried in this order; what matched is gone for those below."""


def _ask_about(rest: str, reading: Reading) -> None:
    """Every number that is left, and every coin or unit that is not known, is a question."""
    for coin in re.findall(COIN, rest, re.I):
        reading.ask(
            f"`{coin.strip()}`: pay is in ETH here, or in a token (its address goes into the form). How much?"
        )
    left = re.sub(COIN, " ", rest, flags=re.I)
    for number in re.findall(r"-?[0-9]+(?:[.,][0-9]+)*\s*\S*", left):
        reading.ask(f"What does `{number.strip()}` stand for?")
    if re.search(
        r"\b(?:regress(?:ion)?|forecast|translate|generate|cluster|language model|chat ?bot)\b", rest
    ):
        reading.ask("Only classification is built in: which classes shall the model tell apart?")


def _complete(reading: Reading) -> None:
    """Asks for what no default can know, and gives the project a title."""
    fields = reading.fields
    for name in ("seats", "rounds", "budget", "pot", "features", "labels"):
        value = fields.get(name, "1")
        if not re.search(r"[1-9]", value) and re.fullmatch(r"[0-9.]+", value):
            reading.ask(f"{name} of {value}: what do you mean?")
            fields.pop(name)
    if not fields.get("features") and not fields.get("image"):
        reading.ask("What is one sample: a table row (how many columns?) or an image (how large?)")
    if not fields.get("labels"):
        reading.ask("Which classes are there? Their names, or how many.")
    if not fields.get("seats"):
        reading.ask("How many trainers may take part?")
    if not fields.get("budget") and not fields.get("pot"):
        reading.ask("What is your budget?")
    if fields.get("image") and fields.get("features"):
        reading.ask("Is a sample a table row or an image?")
        fields.pop("features")
    words = re.sub(r"\s+", " ", reading.sentence).strip(" .,;")
    fields["title"] = _title(words)


def _title(words: str) -> str:
    """The part of the sentence before its first comma, as people would write a title."""
    head = re.split(r"[,;.](?:\s|$)", words)[0].strip()
    plain = "".join(letter for letter in head if letter.isprintable())[:80].strip()
    return plain[:1].upper() + plain[1:] if plain else "Untitled"
