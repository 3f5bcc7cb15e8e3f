"""What a project publishes before it is created: its description and its first model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from market.cid import digest
from market.codec import MODEL, check_model_file, encode, file_root, model_root
from market.description import Description
from market.errors import InputError
from market.initial import initial_model
from market.params import Content
from market.ports import Store


@dataclass(frozen=True)
class FirstModel:
    """Where the first model comes from: `data` if the public seed makes it, else the owner's file at `path`."""

    data: bytes
    root: bytes
    path: Path | None

    @property
    def is_public(self) -> bool:
        """Whether every trainer can make it again and so need not trust anybody."""
        return self.path is None


def first_model(made: Description, path: Path | None) -> FirstModel:
    """From `path`, else from the description's public seed.

    Raises InputError E183 if there is neither, UpdateError E101, E111, E130 for the file.
    """
    seeded = encode(initial_model(made), MODEL) if made.initialiser else None
    if path is None and seeded is None:
        raise InputError(
            "E183", "the description names no initialiser seed; pass --model FILE with the first model"
        )
    root = model_root(seeded or b"") if path is None else file_root(path, made.d, MODEL)
    if seeded is not None and root == model_root(seeded):
        return FirstModel(seeded, root, None)
    return FirstModel(b"", root, path)


def publish(store: Store, made: Description, first: FirstModel) -> Content:
    """Puts description and first model into the store, before anybody can see the project.

    Raises UpdateError E110 if the model's file changed since its root was computed.
    """
    description = store.put(made.to_bytes())
    model = store.put(first.data) if first.path is None else store.put_file(first.path)
    check_model_file(store.get(model, MODEL.file_bytes(made.d), exact=True), made.d, first.root)
    content = Content(digest(description), digest(model), first.root)
    content.check()
    return content
