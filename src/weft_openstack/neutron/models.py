"""The outbox's table: keys in etcd that may differ from what the database says."""

from __future__ import annotations

import sqlalchemy as sa
from neutron_lib.db import model_base


class Dirty(model_base.BASEV2):
    """A key to be looked at. Several rows may name one key; whoever looks at it takes all that are there."""

    __tablename__ = "weft_outbox"

    id = sa.Column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)
    key = sa.Column(sa.String(255), nullable=False, index=True)  #: without the prefix
    since = sa.Column(sa.Float(53), nullable=False)  #: seconds since 1970
    claim = sa.Column(sa.String(36), nullable=True, index=True)  #: whose turn it is
    until = sa.Column(sa.Float(53), nullable=False, default=0.0)  #: nobody else's turn before; see outbox.LONGEST
    attempts = sa.Column(sa.Integer, nullable=False, default=0)
    error = sa.Column(sa.String(1024), nullable=False, default="")
