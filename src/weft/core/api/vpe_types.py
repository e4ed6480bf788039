"""The API's types of times."""

from __future__ import annotations

from typing import Annotated

from .annotations import f64
from .module import Module

api = Module("vpe_types", "1.0.0")

#: Seconds since 1970.
Timestamp = Annotated[float, api.alias("timestamp", f64)]
#: Seconds.
Timedelta = Annotated[float, api.alias("timedelta", f64)]
