"""Weft's OpenStack driver: Neutron's side, the store, the agent. The engine imports none of it, nor it the engine.

``store`` is what both sides share; ``neutron`` runs inside Neutron, ``agent`` on each host, ``status`` where an
operator asks. ``neutron`` and ``agent`` never import each other: what they say to each other are the store's records.
"""
