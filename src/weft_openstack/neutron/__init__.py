"""What runs inside Neutron's processes.

``driver`` binds ports and notes, in Neutron's transaction, which keys are no longer as the database says (``outbox``).
``copier`` makes those keys equal to the database (``desired``), ``follower`` tells Neutron what the agents say, and
``audit`` compares all. They speak to etcd through ``loop``, one event loop in a thread of its own.
"""
