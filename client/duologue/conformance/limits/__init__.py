"""Promises that hold for so many requests, or for so long: rate limits, lifetimes, how long keys are kept."""
