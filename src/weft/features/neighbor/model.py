"""Neighbors as other features use them."""

from weft.features.neighbor.adjacency import NeighborAdjacencies
from weft.features.neighbor.neighbors import Address, Config, Neighbor, Neighbors

__all__ = ["Address", "Config", "Neighbor", "NeighborAdjacencies", "Neighbors"]
