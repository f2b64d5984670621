"""Java's regular expressions, written anew for the `regex` package."""
