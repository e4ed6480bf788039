"""Where our migrations begin: nothing is there yet."""

revision = "start_weft"
down_revision = None


def upgrade() -> None:
    pass
