"""`/near-misses`: the stubs nearest to a request, and the requests nearest to a pattern."""

from __future__ import annotations

from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.cooperation import Turns
from duologue_mock.control.journal.near_misses import NearMisses
from duologue_mock.control.journal.request_parsing import parse_logged_request
from duologue_mock.control.matching.request_pattern import RequestPattern

endpoints = Endpoints("requests")


@endpoints.add("POST", "/near-misses/request", request={"type": "object"}, response={"type": "object"})
@endpoints.add("POST", "/requests/near-misses/request", request={"type": "object"}, response={"type": "object"})
def find_stubs_near_request(call: ControlCall) -> dict[str, Any]:
    """Find the stubs nearest to a request: three at most, nearest first."""
    request = parse_logged_request(call.json())
    return {"nearMisses": _build_near_misses(call).find_stubs(request, call.control.stubs.list_all())}


@endpoints.add("POST", "/near-misses/request-pattern", request={"type": "object"}, response={"type": "object"})
@endpoints.add("POST", "/requests/near-misses/request-pattern", request={"type": "object"}, response={"type": "object"})
def find_requests_near_pattern(call: ControlCall) -> dict[str, Any]:
    """Find the requests nearest to a pattern: three at most, nearest first."""
    pattern = RequestPattern.parse(call.json(), "")
    newest_first = list(call.control.journal)[::-1]
    return {"nearMisses": _build_near_misses(call).find_requests(pattern, newest_first)}


@endpoints.add("GET", "/requests/unmatched/near-misses", response={"type": "object"})
def find_stubs_near_unmatched(call: ControlCall) -> dict[str, Any]:
    """Find the stubs nearest to each request that no operation and no stub responded to."""
    return {"nearMisses": _build_near_misses(call).find_stubs_of_unmatched(call.control.stubs.list_all())}


def _build_near_misses(call: ControlCall) -> NearMisses:
    recorder = call.control.recorder
    return NearMisses(recorder.journal, recorder.renderer, Turns(call.control.sleep))
