"""Schemathesis over the OpenAPI description: no request makes the site fail or answer what it does not document."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.webapp.conftest import settings_for
from webapp.app import create_app
from webapp.sample_facts import SampleFacts
from webapp.samples import NOW
from webapp.settings import Limits

GENEROUS = Limits(per_minute=10**9, writes_per_minute=10**9)
FOLDER = tempfile.TemporaryDirectory(prefix="fairtrain-schema-")
APP = create_app(
    settings_for(Path(FOLDER.name), limits=GENEROUS, hosts=("testserver", "localhost")),
    SampleFacts(),
    lambda: NOW,
)
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)


@SCHEMA.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation__keeps_its_description(case: Any) -> None:
    case.call_and_validate(checks=[not_a_server_error, content_type_conformance, response_schema_conformance])
