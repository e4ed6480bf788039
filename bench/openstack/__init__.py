"""How fast OpenStack's part is: an agent beside an engine, the whole way from Neutron, many agents on one etcd."""
