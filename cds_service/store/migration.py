"""Numbered SQL files that bring a store up to date, forward only; in SQLite ``user_version`` holds the number of the last one."""

import sqlite3
from importlib.resources import files

from cds_service.store import StoreUnusable


def steps(kind: str = "sqlite") -> dict[int, str]:
    """The SQL of every step by its number, for that kind of database."""
    folder = files("cds_service.store").joinpath("migrations", kind)
    named = {entry.name: entry for entry in folder.iterdir() if entry.name.endswith(".sql")}
    return {int(name.partition("_")[0]): named[name].read_text(encoding="utf-8") for name in sorted(named)}


def migrate(connection: sqlite3.Connection) -> None:
    """Run the steps that are still to come, each in its own transaction; several processes may do so at once.

    Raises:
        StoreUnusable: the file is of a newer version than this program.
    """
    known = steps()
    for number, sql in known.items():
        connection.execute("BEGIN IMMEDIATE")
        try:
            if version(connection) < number:
                for statement in _statements(sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    if version(connection) > max(known):
        raise StoreUnusable(f"the store is of version {version(connection)}; this program knows versions up to {max(known)}")


def version(connection: sqlite3.Connection) -> int:
    """The number of the last step that the file has seen; 0 for a new file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(sql: str) -> list[str]:
    """The statements one by one, as executing a script would commit the transaction around it."""
    found, rest = [], ""
    for line in sql.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            found.append(rest)
            rest = ""
    return found
