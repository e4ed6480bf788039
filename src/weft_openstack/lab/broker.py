"""RabbitMQ, which Neutron and its agents speak through."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import amqp

from weft_openstack.lab.process import Process, answers, free_port


@dataclass(eq=False)
class RabbitMq:
    """One node, with a port mapper (epmd) of its own if it is in a network namespace."""

    folder: Path
    address: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    distribution: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        home = self.folder / "rabbitmq"
        home.mkdir()
        (home / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {self.address}:{self.port}\nloopback_users = none\n"
            "log.console = true\nlog.file = false\nvm_memory_high_watermark.absolute = 256MB\n"
        )
        self.process = Process(
            "rabbitmq",
            ("/usr/lib/rabbitmq/bin/rabbitmq-server",),
            self.folder / "rabbitmq.log",
            environment={
                "HOME": str(home),
                "RABBITMQ_NODENAME": f"weft{self.port}@localhost",
                "RABBITMQ_MNESIA_BASE": str(home),
                "RABBITMQ_LOG_BASE": str(home),
                "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
                "RABBITMQ_PID_FILE": str(home / "pid"),
                "RABBITMQ_DIST_PORT": str(self.distribution),
                "ERL_EPMD_ADDRESS": "127.0.0.1",
            },
            ready=lambda: answers(self.port, self.address),
            seconds=90,
        )

    def has_queues(self, *names: str) -> bool:
        """Whether somebody made these queues, to be asked through them."""
        try:
            with amqp.Connection(f"{self.address}:{self.port}") as connection:
                channel = connection.channel()
                for name in names:
                    channel.queue_declare(name, passive=True)
        except amqp.NotFound:
            return False
        return True

    @property
    def url(self) -> str:
        return f"rabbit://guest:guest@{self.address}:{self.port}/"
