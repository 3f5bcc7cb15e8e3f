"""An owner's description and first model into the store, before anybody can see the project on chain.

Only a site that its owner alone reaches does this (`Settings.publish`): whoever may publish may fill a disk.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from market.cid import cid_from_digest, digest
from market.codec import MODEL, encode, model_root
from market.configuration import Configuration
from market.errors import InputError
from market.initial import initial_model
from market.params import Content
from market.store import open_store
from webapp.settings import Settings

REMEMBERED = 64


class Publisher:
    """Publishes one configuration at a time; the same one costs nothing again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._done: OrderedDict[bytes, Content] = OrderedDict()

    def publish(self, made: Configuration) -> Content:
        """Content for `create`. InputError E107 where this site does not publish or the model is too large for it."""
        settings, description = self._settings, made.description
        if not settings.publish or not settings.store:
            raise InputError("E107", "this site publishes nothing; save the file and use the command line")
        if description.d > settings.max_coefficients:
            raise InputError(
                "E107",
                f"a model of {description.d:,} parameters, at most {settings.max_coefficients:,} here; "
                "save the file and use the command line",
            )
        with self._lock:
            key = description.to_bytes()
            if key not in self._done:
                self._done[key] = self._put(made)
                while len(self._done) > REMEMBERED:
                    self._done.popitem(last=False)
            return self._done[key]

    def _put(self, made: Configuration) -> Content:
        store = open_store(self._settings.store)
        model = encode(initial_model(made.description), MODEL)
        content = Content(
            digest(store.put(made.description.to_bytes())), digest(store.put(model)), model_root(model)
        )
        content.check()
        return content


def files_of(made: Configuration, content: Content) -> dict[str, str]:
    """CIDs of what was published, by name."""
    size = MODEL.file_bytes(made.description.d)
    return {
        "description": cid_from_digest(content.description_digest, len(made.description.to_bytes())),
        "first model": cid_from_digest(content.model_digest, size),
    }
