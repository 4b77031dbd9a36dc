"""The store: the one truth about captures, stories, what is due and what waits. All SQL is here.

Nobody else imports SQLAlchemy. What callers must name of it stands here: the type of an open
transaction, which every query takes first, and the base of what a database can answer instead.
"""

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from stories.db.engine import Store, connect, why

__all__ = ["Connection", "SQLAlchemyError", "Store", "connect", "why"]
