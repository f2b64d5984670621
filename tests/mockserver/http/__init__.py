"""Tests of the mock's HTTP side: a file for each module of `duologue_mock.http`."""
