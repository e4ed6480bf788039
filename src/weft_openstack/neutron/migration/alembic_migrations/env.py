"""Alembic's environment, as Neutron's sub-projects have it."""

from __future__ import annotations

from typing import Any

from alembic import context
from neutron.db.migration.connection import DBConnection
from neutron_lib.db import model_base

from weft_openstack.neutron import models

config = context.config
neutron_config = config.neutron_config
OPTIONS: dict[str, Any] = {
    "target_metadata": model_base.BASEV2.metadata,
    "version_table": "weft_alembic_version",
    "include_object": lambda _object, name, kind, *_: kind != "table" or name == models.Dirty.__tablename__,
}


def offline() -> None:
    """Print the statements."""
    connection = neutron_config.database.connection
    where = {"url": connection} if connection else {"dialect_name": neutron_config.database.engine}
    context.configure(**where, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def online() -> None:
    """Change the database."""
    with DBConnection(neutron_config.database.connection, config.attributes.get("connection")) as connection:
        context.configure(connection=connection, **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    online()
