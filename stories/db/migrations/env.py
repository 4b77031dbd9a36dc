"""Alembic's entry: migrations run inside the transaction that the store opened."""

from alembic import context

from stories.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
