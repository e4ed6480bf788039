"""Messages of interfaces."""

from weft.features.interface.api import details, events, queues, setting
from weft.features.interface.api.details import SwInterfaceDetails, fill_details
from weft.features.interface.api.module import api, device_of, flags_of

__all__ = [
    "SwInterfaceDetails",
    "api",
    "details",
    "device_of",
    "events",
    "fill_details",
    "flags_of",
    "queues",
    "setting",
]
