"""Duologue: a typed, synchronous client for the platform and chat services."""

from duologue._version import __version__

__all__ = ["__version__"]
