"""What holds for all tests: Hypothesis measures no time, so that a slow machine changes nothing."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
