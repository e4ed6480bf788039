"""What runs on each host: it makes the forwarder equal to what the store says.

``desired`` is made of the store's records, ``actual`` of the forwarder's dumps, ``plan`` is the difference as a list
of ``operations``, which ``forwarder`` carries out. ``agent`` does this whenever something changed, and says what came
of it.
"""
