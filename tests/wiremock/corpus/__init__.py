"""The corpus: what is sent to the real WireMock and to the mock, a file for each subject."""

from __future__ import annotations

from types import MappingProxyType

from tests.wiremock.cases import collect
from tests.wiremock.corpus.admin import errors, journal, mappings
from tests.wiremock.corpus.matching import (
    bodies,
    headers,
    json_equality,
    json_path,
    json_schema,
    regular_expressions,
    urls,
    values,
)
from tests.wiremock.corpus.responses import definitions, faults_and_delays, precedence

FILES = MappingProxyType(
    {
        "urls": urls.CASES,
        "values": values.CASES,
        "headers": headers.CASES,
        "bodies": bodies.CASES,
        "json_equality": json_equality.CASES,
        "json_path": json_path.CASES,
        "json_schema": json_schema.CASES,
        "regular_expressions": regular_expressions.CASES,
        "definitions": definitions.CASES,
        "faults_and_delays": faults_and_delays.CASES,
        "precedence": precedence.CASES,
        "mappings": mappings.CASES,
        "errors": errors.CASES,
        "journal": journal.CASES,
    }
)
"""The cases by the file that holds their recorded answers."""

CASES = collect(*FILES.values())
"""All cases."""
