"""Our table, as a sub-project of Neutron: ``neutron-db-manage upgrade heads`` makes it with Neutron's own."""
