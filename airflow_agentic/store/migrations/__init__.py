"""Alembic's scripts. ``env.py`` runs inside the transaction and under the lock of `database.migrate`."""
