"""The OpenAPI description, with failures as they are: one JSON shape for programs, a page for people."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from webapp.guard import wants_json

FAILURE = {"$ref": "#/components/schemas/Failure"}
PAGE = {"text/html": {"schema": {"type": "string"}}}
TEXTS = {
    "404": "not in the index",
    "413": "too large",
    "422": "cannot be read",
    "429": "too fast",
    "503": "not now",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The description, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        for path, operations in made["paths"].items():
            body = {"application/json": {"schema": FAILURE}} if wants_json(path) else PAGE
            for operation in operations.values():
                for status in {*operation["responses"], "422", "429"}:
                    if status.startswith(("4", "5")):
                        operation["responses"][status] = {
                            "description": TEXTS.get(status, "refused"),
                            "content": body,
                        }
        for unused in ("HTTPValidationError", "ValidationError"):
            made["components"]["schemas"].pop(unused, None)
        app.openapi_schema = made
    return app.openapi_schema
