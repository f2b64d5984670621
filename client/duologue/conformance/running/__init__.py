"""Running the contract tests, and what a run found out."""
