"""What threads share: the clock, fork safety, event emitters, ordered notification and single flight."""
