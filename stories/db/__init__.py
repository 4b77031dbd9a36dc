"""The store: the one truth about captures, stories, what is due and what waits. All SQL is here.

No other room imports SQLAlchemy. Callers get from here the type of an open transaction, which every
query takes first, and the base class of the database's errors.
"""

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from stories.db.engine import Store, away, connect, import_driver, why

__all__ = ["Connection", "SQLAlchemyError", "Store", "away", "connect", "import_driver", "why"]
