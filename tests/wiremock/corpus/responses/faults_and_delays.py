"""Faults as they are seen on the socket, and delays: what a response takes at least."""

from __future__ import annotations

from itertools import product
from typing import Any

from tests.wiremock.cases import Admin, Case, Send, case, header, stub

_FAULTS = ("EMPTY_RESPONSE", "MALFORMED_RESPONSE_CHUNK", "RANDOM_DATA_THEN_CLOSE", "CONNECTION_RESET_BY_PEER")

_SENT: dict[str, Send] = {
    "get": Send(),
    "close": Send(close=True),
    "post": Send(method="POST", body="abc"),
    "head": Send(method="HEAD"),
}

_BESIDE: dict[str, dict[str, Any]] = {
    "status": {"status": 503},
    "body": {"status": 201, "body": "abc", "headers": {"X-A": "1"}},
    "delay": {"fixedDelayMilliseconds": 50},
}

_JOURNAL = Admin("GET", "/requests")

_DELAYS: dict[str, dict[str, Any]] = {
    "fixed": {"fixedDelayMilliseconds": 40},
    "uniform": {"delayDistribution": {"type": "uniform", "lower": 40, "upper": 40}},
    "fixed-distribution": {"delayDistribution": {"type": "fixed", "milliseconds": 40}},
    "both": {"fixedDelayMilliseconds": 20, "delayDistribution": {"type": "uniform", "lower": 20, "upper": 20}},
    "lognormal": {"delayDistribution": {"type": "lognormal", "median": 1, "sigma": 0}},
    "lognormal-limit": {"delayDistribution": {"type": "lognormal", "median": 1, "sigma": 0, "maxValue": 5}},
    "zero": {"fixedDelayMilliseconds": 0},
    "dribble": {"body": "abcdef", "chunkedDribbleDelay": {"numberOfChunks": 3, "totalDuration": 40}},
    "dribble-more-chunks-than-bytes": {"body": "ab", "chunkedDribbleDelay": {"numberOfChunks": 5, "totalDuration": 40}},
    "dribble-one": {"body": "abc", "chunkedDribbleDelay": {"numberOfChunks": 1, "totalDuration": 10}},
    "dribble-uneven": {"body": "abcdefg", "chunkedDribbleDelay": {"numberOfChunks": 3, "totalDuration": 9}},
    "dribble-empty": {"body": "", "chunkedDribbleDelay": {"numberOfChunks": 3, "totalDuration": 9}},
    "dribble-fixed": {
        "body": "abc", "fixedDelayMilliseconds": 20, "chunkedDribbleDelay": {"numberOfChunks": 3, "totalDuration": 20},
    },
}  # fmt: skip

_LEAST = {"fixed": 40, "uniform": 40, "fixed-distribution": 40, "both": 40, "dribble-fixed": 20}

_REFUSED: dict[str, dict[str, Any]] = {
    "fault-unknown": {"fault": "NONSENSE"},
    "fault-lower-case": {"fault": "empty_response"},
    "fixed-text": {"fixedDelayMilliseconds": "x"},
    "fixed-digits": {"fixedDelayMilliseconds": "5"},
    "fixed-negative": {"fixedDelayMilliseconds": -5},
    "fixed-fraction": {"fixedDelayMilliseconds": 1.5},
    "distribution-unknown": {"delayDistribution": {"type": "nonsense"}},
    "distribution-no-type": {"delayDistribution": {"lower": 1, "upper": 2}},
    "distribution-uniform-partial": {"delayDistribution": {"type": "uniform", "lower": 1}},
    "distribution-extra": {"delayDistribution": {"type": "uniform", "lower": 1, "upper": 2, "x": 1}},
    "distribution-reversed": {"delayDistribution": {"type": "uniform", "lower": 5, "upper": 2}},
    "dribble-partial": {"chunkedDribbleDelay": {"numberOfChunks": 2}},
    "dribble-zero": {"chunkedDribbleDelay": {"numberOfChunks": 0, "totalDuration": 10}},
    "dribble-extra": {"chunkedDribbleDelay": {"numberOfChunks": 1, "totalDuration": 1, "x": 1}},
}


def _settings(**values: Any) -> Admin:
    return Admin("POST", "/settings", values)


def _list_global_delay_cases() -> list[Case]:
    plain = stub({"urlPath": "/things"}, {"body": "abc"})
    uniform = {"type": "uniform", "lower": 20, "upper": 20}
    return [
        case("global-delay/fixed", _settings(fixedDelay=30), plain, Send(at_least=30), _JOURNAL),
        case(
            "global-delay/stub-replaces",
            _settings(fixedDelay=30),
            stub({}, {"fixedDelayMilliseconds": 10}),
            Send(at_least=10),
            _JOURNAL,
        ),
        case("global-delay/stub-zero", _settings(fixedDelay=30), stub({}, {"fixedDelayMilliseconds": 0}), Send(),
        _JOURNAL),
        case("global-delay/distribution", _settings(delayDistribution=uniform), plain, Send(at_least=20), _JOURNAL),
        case(
            "global-delay/both", _settings(fixedDelay=10, delayDistribution=uniform), plain, Send(at_least=30), _JOURNAL
        ),
        case(
            "global-delay/stub-distribution",
            _settings(fixedDelay=10),
            stub({}, {"delayDistribution": uniform}),
            Send(at_least=30),
            _JOURNAL,
        ),
        case(
            "global-delay/two-distributions",
            _settings(delayDistribution=uniform),
            stub({}, {"delayDistribution": uniform}),
            Send(at_least=20),
            _JOURNAL,
        ),
        case("global-delay/fault", _settings(fixedDelay=30), stub({}, {"fault": "EMPTY_RESPONSE"}), Send(at_least=30)),
        case("global-delay/removed", _settings(fixedDelay=30), _settings(), plain, Send(), _JOURNAL),
    ]  # fmt: skip


CASES: tuple[Case, ...] = (
    *(
        case(f"fault/{fault.lower()}-{name}", stub({}, {"fault": fault}), sent, _JOURNAL)
        for fault, (name, sent) in product(_FAULTS, _SENT.items())
    ),
    *(
        case(f"fault-beside/{fault.lower()}-{name}", stub({}, {"fault": fault, **beside}), Send(), _JOURNAL)
        for fault, (name, beside) in product(_FAULTS, _BESIDE.items())
    ),
    case(
        "fault/only-where-it-matches",
        stub({"urlPath": "/a", "headers": {"X-A": {"equalTo": "1"}}}, {"fault": "EMPTY_RESPONSE"}),
        Send("/a"),
        Send("/a", headers=header("X-A", "1")),
        Send("/b", headers=header("X-A", "1")),
    ),
    *(
        case(
            f"delay/{name}",
            stub({"urlPath": "/things"}, response),
            Send(at_least=_LEAST.get(name, 0)),
            Send("/unmatched"),
            _JOURNAL,
        )
        for name, response in _DELAYS.items()
    ),
    *_list_global_delay_cases(),
    *(
        case(f"response-refused/{name}", stub({}, response), Send(), Admin("GET", "/mappings"))
        for name, response in _REFUSED.items()
    ),
)
