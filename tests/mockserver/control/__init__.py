"""Tests of watching and steering a running mock: a file for each module of `duologue_mock.control`."""
