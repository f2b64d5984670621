"""Building blocks for threads: clock, fork safety, event emitter, ordered notification, latest state, worker pool."""
