"""The keyspace in etcd: which records there are, under which keys, and a client for them."""
