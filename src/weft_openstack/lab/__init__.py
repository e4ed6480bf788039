"""An OpenStack network on one machine, of real parts: etcd, MariaDB, RabbitMQ, Neutron, engines and agents."""
