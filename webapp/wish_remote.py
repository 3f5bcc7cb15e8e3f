"""The same sentence read by an OpenAI-compatible service, if the operator names one. Off by default.

Its answer is only a proposal for the form's fields: unknown fields are dropped, values pass the same checks as typed
ones, and the local grammar's questions stay unless the answer fills what they ask for.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from market.errors import InputError
from webapp.fields import FIELDS, TEXT_LIMIT
from webapp.settings import WishEndpoint
from webapp.wish import MAX_CHARACTERS, Reading

MAX_ANSWER = 65_536


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The operator named one address; nobody else may name another."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask_endpoint(endpoint: WishEndpoint, sentence: str) -> Reading:
    """Asks the service. InputError E107 if it does not answer with fields of the form."""
    if len(sentence) > MAX_CHARACTERS:
        raise InputError("E107", f"{len(sentence)} characters, at most {MAX_CHARACTERS}")
    body = json.dumps(
        {
            "model": endpoint.model,
            "temperature": 0,
            "response_format": {"type": "json_object"},
            "messages": [{"role": "system", "content": _task()}, {"role": "user", "content": sentence}],
        }
    ).encode()
    headers = {"content-type": "application/json"}
    if endpoint.key:
        headers["authorization"] = f"Bearer {endpoint.key}"
    request = urllib.request.Request(f"{endpoint.url.rstrip('/')}/chat/completions", body, headers)
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=endpoint.timeout_s) as answer:
            content = json.loads(answer.read(MAX_ANSWER))["choices"][0]["message"]["content"]
        return _reading(sentence, json.loads(content), endpoint.model)
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        raise InputError("E107", "the service that reads sentences gave no usable answer") from None


def _task() -> str:
    names = ", ".join(f"{field.name} ({field.label}; {field.help})" for field in FIELDS.values())
    return (
        "Read what the owner of a federated training project wants. Answer with one JSON object: "
        '{"fields": {name: text}, "questions": [text]}. Use only these fields, leave out what the owner did not say, '
        f"never guess, ask a question instead: {names}."
    )


def _reading(sentence: str, content: Any, model: str) -> Reading:
    fields = {
        name: str(value)[: TEXT_LIMIT.get(name, 200)]
        for name, value in dict(content["fields"]).items()
        if name in FIELDS and isinstance(value, (str, int)) and not isinstance(value, bool)
    }
    questions = [str(question)[:200] for question in list(content.get("questions", []))[:8]]
    return Reading(sentence, fields, [], questions, source=f"{model}: check every field")
