"""Rules of HTTP that hold for every operation."""
