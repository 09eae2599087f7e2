"""A broker that asks for certificates and passwords, and what a relay needs to be let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.broker import Broker
from harness.certificates import Authority

if TYPE_CHECKING:
    from pathlib import Path

USER = "relay"
SECURITY = "org.apache.kafka.common.security"
MODULES = {
    "PLAIN": f"{SECURITY}.plain.PlainLoginModule",
    "SCRAM-SHA-512": f"{SECURITY}.scram.ScramLoginModule",
    "OAUTHBEARER": f"{SECURITY}.oauthbearer.OAuthBearerLoginModule",
}


def jaas(mechanism: str, password: str) -> str:
    """What a client writes into `sasl.jaas.config`."""
    if mechanism == "OAUTHBEARER":
        # Not signed: Kafka's own for development, through the same classes.
        return f'{MODULES[mechanism]} required unsecuredLoginStringClaim_sub="{USER}";'
    return f'{MODULES[mechanism]} required username="{USER}" password="{password}";'


def trusting(authority: Path) -> dict[str, str]:
    """The relay's settings for brokers with certificates of this authority."""
    return {
        "KAFKA_SSL_TRUSTSTORE_TYPE": "PEM",
        "KAFKA_SSL_TRUSTSTORE_LOCATION": str(authority),
    }


def with_user(mechanism: str, jaas_file: Path, authority: Path) -> dict[str, str]:
    """The relay's settings for SASL over TLS."""
    return {
        **trusting(authority),
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": mechanism,
        "KAFKA_SASL_JAAS_CONFIG_FILE": str(jaas_file),
    }


class SecuredBroker(Broker):
    """Listens with SSL, where it wants a certificate, and with SASL_SSL, where it wants a user.

    Args:
        directory: of its data and certificates.
        password: of the one user, with PLAIN and with SCRAM-SHA-512.
    """

    def __init__(self, directory: Path, password: str) -> None:
        self.authority = Authority(directory / "certificates")
        certificate, key = self.authority.issue("broker", "127.0.0.1")
        pair = directory / "certificates" / "broker.pem"
        pair.write_bytes(key.read_bytes() + certificate.read_bytes())
        users = f'user_{USER}="{password}"'
        super().__init__(
            directory / "data",
            listeners=("SSL", "SASL_SSL"),
            properties={
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": str(pair),
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": str(self.authority.certificate),
                "listener.name.ssl.ssl.client.auth": "required",
                "sasl.enabled.mechanisms": ",".join(MODULES),
                **{
                    f"listener.name.sasl_ssl.{mechanism.lower()}.sasl.jaas.config": (
                        f"{module} required {users if mechanism == 'PLAIN' else ''};"
                    )
                    for mechanism, module in MODULES.items()
                },
            },
        )
        self._password = password

    def add_user(self) -> None:
        """Make the user known to SCRAM; PLAIN knows it from the start."""
        self.set_password(USER, self._password)
