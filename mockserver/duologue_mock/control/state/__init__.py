"""The data of a namespace as one JSON document, snapshots of it, presets, and what a reset puts back."""
