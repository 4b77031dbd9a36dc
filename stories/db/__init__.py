"""The store: the one truth about captures, stories, what is due and what waits. All SQL is here."""

from stories.db.engine import Store, connect, why

__all__ = ["Store", "connect", "why"]
