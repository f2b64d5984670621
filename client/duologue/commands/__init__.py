"""The client as a command: a file for each noun, found through the entry points `duologue.commands`.

Importing a command costs click only; rich and the client are loaded when it runs.
"""
