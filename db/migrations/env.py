"""Run by Alembic: migrates the connection that `db.migrations` hands over, under a lock."""

from alembic import context
from sqlalchemy import text

from db.tables import metadata

LOCK_KEY = 360_000_001
"""Two processes that start together migrate one after the other."""

connection = context.config.attributes["connection"]
connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
context.configure(connection=connection, target_metadata=metadata, compare_server_default=False)
with context.begin_transaction():
    context.run_migrations()
