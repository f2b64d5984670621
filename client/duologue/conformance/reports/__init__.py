"""Reports of a run: for people, for CI systems, for programs."""
