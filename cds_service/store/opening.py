"""Which store keeps what was answered: a SQLite file or a PostgreSQL database."""

from pathlib import Path

from cds_service.store import Store, StoreUnusable
from cds_service.store.sqlite import SqliteStore


def open_store(place: Path | str) -> Store:
    """The store in the SQLite file at a path, or in the PostgreSQL database at a URL.

    Raises:
        StoreUnusable: it cannot be used, and the message says why.
    """
    if isinstance(place, Path):
        return SqliteStore(place)
    try:
        from cds_service.store.postgresql import PostgresqlStore  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise StoreUnusable("a PostgreSQL store needs more than is installed: pip install 'cds-service[postgresql]'") from None
    return PostgresqlStore(place)
