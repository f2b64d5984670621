"""`duologue generate`: fixture files with as much data as a front end should be tried with."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

MAX_RECORDS = 10_000_000


@click.command(
    context_settings={"show_default": True},
    epilog="\b\nExample:\n"
    "  duologue generate --users 10000 --chats 500 --messages 20000 --out big && duologue serve --fixtures big",
)
@click.option("--users", type=click.IntRange(0, MAX_RECORDS), default=100, help="Users of the platform.")
@click.option("--chats", type=click.IntRange(0, MAX_RECORDS), default=50, help="Sessions of the chat service.")
@click.option(
    "--messages", type=click.IntRange(0, MAX_RECORDS), default=500, help="Messages, spread over the sessions."
)
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the files; it is created.",
)
@click.option("--seed", type=int, default=1, help="The same number gives the same files.")
@click.option("--force", is_flag=True, help="Overwrite files that are there already.")
def generate(users: int, chats: int, messages: int, folder: Path, seed: int, force: bool) -> None:
    """Write fixture files for `duologue serve --fixtures`: users.json, chats.json and messages.json."""
    from duologue_mock.store.generated_data import GeneratedData

    try:
        data = GeneratedData(users=users, chats=chats, messages=messages, seed=seed)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    files = (
        ("users.json", users, data.iterate_users()),
        ("chats.json", chats, data.iterate_chats()),
        ("messages.json", messages, data.iterate_messages()),
    )
    present = [str(folder / name) for name, _, _ in files if (folder / name).exists()]
    if present and not force:
        raise click.UsageError(f"{', '.join(present)}: there already. Name another folder, or pass --force.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, count, records in files:
            _write(folder / name, count, records)
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}") from error
    click.echo(f"Serve it with: duologue serve --fixtures {folder}")


def _write(path: Path, count: int, records: Iterator[dict[str, Any]]) -> None:
    """Write one file, a record a line, while a bar shows how far it is; the file appears once it is complete."""
    unfinished = path.with_suffix(".part")
    with (
        unfinished.open("w", encoding="utf-8") as file,
        click.progressbar(
            records, length=count, label=f"{path.name:<13}", file=sys.stderr, update_min_steps=1000
        ) as shown,
    ):
        separator = "[\n"
        for record in shown:
            file.write(f"{separator}  {json.dumps(record, ensure_ascii=False)}")
            separator = ",\n"
        file.write("\n]\n" if count else "[]\n")
    unfinished.replace(path)
