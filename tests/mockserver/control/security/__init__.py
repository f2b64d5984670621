"""Attacks on the control API of a mock on a developer's machine, against each endpoint that is declared."""
