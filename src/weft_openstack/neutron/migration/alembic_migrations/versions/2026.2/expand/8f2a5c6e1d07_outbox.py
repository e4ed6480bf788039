"""The outbox."""

import sqlalchemy as sa
from alembic import op
from neutron.db.migration import cli

revision = "8f2a5c6e1d07"
down_revision = "start_weft"
branch_labels = (cli.EXPAND_BRANCH,)


def upgrade() -> None:
    op.create_table(
        "weft_outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(255), nullable=False, index=True),
        sa.Column("since", sa.Float(53), nullable=False),
        sa.Column("claim", sa.String(36), nullable=True, index=True),
        sa.Column("until", sa.Float(53), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.String(1024), nullable=False),
    )
