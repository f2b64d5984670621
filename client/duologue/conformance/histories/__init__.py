"""Rules of many calls: at once, and in any order."""
