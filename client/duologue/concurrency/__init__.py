"""Building blocks for threads: clock, timer, fork safety, event emitter, notification, latest state, worker pool."""
