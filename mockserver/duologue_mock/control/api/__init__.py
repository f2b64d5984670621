"""The control API: `/__admin` on both ports, a file for each subject."""
