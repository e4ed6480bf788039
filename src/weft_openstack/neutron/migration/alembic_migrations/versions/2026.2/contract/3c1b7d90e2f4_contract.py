"""Where changes begin that take something away."""

from neutron.db.migration import cli

revision = "3c1b7d90e2f4"
down_revision = "start_weft"
branch_labels = (cli.CONTRACT_BRANCH,)


def upgrade() -> None:
    pass
