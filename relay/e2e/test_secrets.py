"""No secret is in anything that a relay or its commands print, however it was given."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from harness.relay import Relay
from harness.setups import jaas
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker

# Each secret has both words: a parser may quote one piece of it alone.
FIRST, SECOND = "Geheimnis42", "Zuckerwatte7"
PAGES = ("/", "/status.json", "/config.json", "/metrics", "/healthz", "/readyz", "/history.json")
USAGE = 2

SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN"}
OAUTH = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "OAUTHBEARER"}
OAUTH_MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
PEM = (
    "-----BEGIN PRIVATE KEY-----\n"
    f"MIIEvQ{FIRST}IBADANBgkqhkiG9w0BAQEFAASC\nBKcw{SECOND}ggSjAgEAAoIBAQ==\n"
    "-----END PRIVATE KEY-----"
)
TLS = {"KAFKA_SECURITY_PROTOCOL": "SSL"}


@dataclass(frozen=True)
class Spelling:
    """Settings of the environment, and lines of KAFKA_CONFIG_FILE."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    file: str = ""


def with_jaas(name: str, text: str) -> Spelling:
    return Spelling(name, SASL | {"KAFKA_SASL_JAAS_CONFIG": text})


def in_file(name: str, text: str) -> Spelling:
    return Spelling(name, file=text)


BOTH = f"{FIRST} {SECOND}"
SPELLINGS = [
    with_jaas("a password as it should be", jaas("u", f"{FIRST}{SECOND}")),
    with_jaas("an unescaped quote", jaas("u", f'{FIRST}"{SECOND}')),
    with_jaas("two quotes", jaas("u", f'{FIRST}"x"{SECOND}')),
    with_jaas("a quote that does not end", f'{LOGIN} username="u" password="{FIRST} {SECOND};'),
    with_jaas("no quotes and a plus", f"{LOGIN} username=u password={FIRST}+{SECOND};"),
    with_jaas("no quotes and a slash", f"{LOGIN} username=u password={FIRST}/{SECOND};"),
    with_jaas("a comment in it", f"{LOGIN} username=u password={FIRST}//{SECOND};"),
    with_jaas("no quotes and a space", f"{LOGIN} username=u password={FIRST} {SECOND};"),
    with_jaas("no quotes and a semicolon", f"{LOGIN} username=u password={FIRST};{SECOND};"),
    with_jaas("single quotes", f"{LOGIN} username='u' password='{FIRST}\"{SECOND}';"),
    with_jaas("no semicolon", f'{LOGIN} username="u" password="{FIRST}{SECOND}"'),
    with_jaas("no module", f'username="u" password="{FIRST} {SECOND}";'),
    with_jaas("only the password", f"{FIRST} {SECOND}"),
    with_jaas("no flag", f'a.b.LoginModule username="{FIRST}" password="{SECOND}";'),
    with_jaas("a module that is not there", f'no.such.LoginModule required p="{FIRST}{SECOND}";'),
    with_jaas("the password as the module", f'{FIRST} required password="{SECOND}";'),
    with_jaas("the password as the flag", f'a.b.LoginModule {FIRST} password="{SECOND}";'),
    with_jaas("the password as an option's name", f'{LOGIN} {FIRST}{SECOND} username="u";'),
    with_jaas("an equals sign in it", f"{LOGIN} username=u password={FIRST}={SECOND};"),
    with_jaas("a backslash in it", f'{LOGIN} username="u" password="{FIRST}\\{SECOND}";'),
    with_jaas("a line break in it", f'{LOGIN} username="u" password="{FIRST}\n{SECOND}";'),
    with_jaas("an umlaut in it", f"{LOGIN} username=u password={FIRST}ä{SECOND};"),
    with_jaas("two modules", f'{jaas("u", FIRST)} {LOGIN} password="{SECOND}";'),
    in_file("a misspelt jaas", f"sasl.jass.config={jaas('u', FIRST + SECOND)}\n"),
    in_file("an upper-case jaas", f"SASL.JAAS.CONFIG={jaas('u', FIRST + SECOND)}\n"),
    in_file("a jaas with underscores", f"sasl_jaas_config={FIRST}{SECOND}\n"),
    in_file(
        "a jaas without a backslash at the line's end",
        f'sasl.jaas.config={LOGIN}\n  username="{FIRST}"\n  password="{SECOND}";\n',
    ),
    in_file("a line that is only a secret", f"{FIRST}{SECOND}\n"),
    in_file("two words on a line", f"{FIRST} {SECOND}\n"),
    in_file("a key as PEM without backslashes", f"ssl.keystore.key={PEM}\n"),
    in_file("a plug-in's pwd", f"my.plugin.pwd={FIRST}{SECOND}\n"),
    in_file("a plug-in's passphrase", f"my.plugin.passphrase={BOTH}\n"),
    in_file("a plug-in's api key", f"schema.registry.apikey={FIRST}:{SECOND}\n"),
    in_file("basic auth", f"basic.auth.user.info={FIRST}:{SECOND}\n"),
    in_file(
        "a connection string", f"my.connection=Endpoint=sb://x;SharedAccessKey={FIRST}{SECOND}\n"
    ),
    in_file("an authorization header", f"my.authorization=Bearer {FIRST}.{SECOND}\n"),
    in_file("a colon for an equals sign", f"my.secret: {FIRST}{SECOND}\n"),
    in_file("librdkafka's name", f"sasl.password={FIRST}{SECOND}\n"),
    in_file("a listener's prefix", f"listener.name.x.ssl.key.password={FIRST}{SECOND}\n"),
    in_file("a producer's prefix", f"producer.ssl.key.password={FIRST}{SECOND}\n"),
    in_file("a broken escape", f"ssl.key.password=\\u{FIRST}{SECOND}\n"),
    in_file(
        "a config provider's parameter", f"config.providers.vault.param.token={FIRST}{SECOND}\n"
    ),
    Spelling(
        "a secret in a URL's user info",
        OAUTH
        | {
            "KAFKA_SASL_JAAS_CONFIG": f"{OAUTH_MODULE} required;",
            "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": f"https://{FIRST}:{SECOND}@idp.invalid/t",
        },
    ),
    Spelling(
        "a secret in a URL's query",
        OAUTH
        | {
            "KAFKA_SASL_JAAS_CONFIG": f'{OAUTH_MODULE} required clientId="a" clientSecret="b";',
            "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": (
                f"https://idp.invalid/t?client_id={FIRST}&client_secret={SECOND}"
            ),
        },
    ),
    Spelling(
        "a client secret in jaas",
        OAUTH
        | {
            "KAFKA_SASL_JAAS_CONFIG": (
                f'{OAUTH_MODULE} required clientId="{FIRST}" clientSecret="{SECOND}";'
            ),
            "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": "not a url",
        },
    ),
    Spelling(
        "a client secret of its own setting",
        OAUTH
        | {
            "KAFKA_SASL_JAAS_CONFIG": f"{OAUTH_MODULE} required;",
            "KAFKA_SASL_OAUTHBEARER_CLIENT_CREDENTIALS_CLIENT_SECRET": f"{FIRST}{SECOND}",
            "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": "http://idp.invalid/t",
        },
    ),
    Spelling(
        "a URL where the fragment is the token",
        {"KAFKA_SASL_OAUTHBEARER_JWKS_ENDPOINT_URL": f"https://idp.invalid/k#{FIRST}{SECOND}"},
    ),
    Spelling(
        "a URL with an at sign in the password",
        {"KAFKA_SASL_OAUTHBEARER_JWKS_ENDPOINT_URL": f"https://u:{FIRST}@{SECOND}@idp.invalid/k"},
    ),
    Spelling(
        "a user in the broker's address",
        {"KAFKA_BOOTSTRAP_SERVERS": f"{FIRST}:{SECOND}@kafka.invalid:9092"},
    ),
    Spelling(
        "a URL as the broker's address",
        {"KAFKA_BOOTSTRAP_SERVERS": f"kafka://{FIRST}:{SECOND}@kafka.invalid:9092"},
    ),
    Spelling("a PEM key", TLS | {"KAFKA_SSL_KEYSTORE_TYPE": "PEM", "KAFKA_SSL_KEYSTORE_KEY": PEM}),
    Spelling(
        "a PEM key and chain that are none",
        TLS
        | {
            "KAFKA_SSL_KEYSTORE_TYPE": "PEM",
            "KAFKA_SSL_KEYSTORE_KEY": f"{FIRST} {SECOND}",
            "KAFKA_SSL_KEYSTORE_CERTIFICATE_CHAIN": f"{FIRST} {SECOND}",
        },
    ),
    Spelling("a trust store's password", TLS | {"KAFKA_SSL_TRUSTSTORE_PASSWORD": FIRST + SECOND}),
    Spelling(
        "certificates that are none",
        TLS | {"KAFKA_SSL_TRUSTSTORE_TYPE": "PEM", "KAFKA_SSL_TRUSTSTORE_CERTIFICATES": BOTH},
    ),
    Spelling("the secret for its file", {"KAFKA_SSL_KEY_PASSWORD_FILE": f"{FIRST}{SECOND}"}),
    Spelling(
        "the secret for its file, with a zero in it",
        {"KAFKA_SASL_JAAS_CONFIG_FILE": f"{FIRST}/{SECOND}"},
    ),
    Spelling("a command with a password", {"KAFKA_SASL_KERBEROS_KINIT_CMD": f"kinit -p {BOTH}"}),
    Spelling(
        "a class name that is a secret",
        {"KAFKA_SASL_LOGIN_CALLBACK_HANDLER_CLASS": f"a.b.C?password={FIRST}{SECOND}"},
    ),
    Spelling("a name that Kafka does not know", {"KAFKA_SASL_PASSWORD": f"{FIRST}{SECOND}"}),
    Spelling("Kubernetes' way", {"KAFKA_PORT": f"tcp://{FIRST}:{SECOND}@10.0.0.1:9092"}),
    Spelling("a metric reporter's URL", {"KAFKA_METRIC_REPORTERS": f"x://{FIRST}:{SECOND}@y"}),
]


def shown(text: str) -> list[str]:
    """What of the secrets is in a text, also in capitals or encoded for a URL."""
    return re.findall(f"(?i).{{0,80}}(?:{FIRST}|{SECOND}).{{0,20}}", text)


def test_there_are_at_least_fifty_spellings() -> None:
    assert len({spelling.name for spelling in SPELLINGS}) == len(SPELLINGS) >= 50


@pytest.mark.parametrize(
    "spelling", SPELLINGS, ids=lambda spelling: re.sub("[^a-z0-9]+", "-", spelling.name.lower())
)
def test_a_secret_is_in_no_output(
    spelling: Spelling, broker: Broker, outbox: Path, tmp_path: Path
) -> None:
    settings = dict(spelling.environment)
    if spelling.file:
        (tmp_path / "kafka.properties").write_text(spelling.file)
        settings["KAFKA_CONFIG_FILE"] = str(tmp_path / "kafka.properties")
    bootstrap = settings.pop("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap)
    settings["OUTBOX_LOG_LEVEL"] = "debug"
    with Outbox(outbox) as client:
        client.append(b"value", topic="any-topic")
    relay = Relay(outbox, bootstrap, log=tmp_path / "relay.log", settings=settings)
    texts: dict[str, str] = {}
    with relay:
        relay.start(wait=False)
        if serves(relay):
            for page in PAGES:
                texts[page] = relay.http(page)[1]
            assert "outbox" in json.loads(texts["/config.json"])
        else:
            assert relay.child.exit_code == USAGE, relay.output()
    texts["log"] = relay.output()
    for verb in (("config",), ("config", "--json"), ("doctor", "--kafka-timeout-ms", "1000")):
        done = relay.cli(*verb)
        texts[" ".join(verb)] = done.stdout + done.stderr
    assert {where: found for where, text in texts.items() if (found := shown(text))} == {}
    assert texts["log"]
    assert texts["config"]


def serves(relay: Relay) -> bool:
    """Once delivery has been tried, or the configuration was refused."""

    def tried() -> bool:
        if not relay.running:
            return True
        try:
            status = relay.status()
        except OSError:
            return False
        return bool(status["delivered"] or status["troubles"])

    eventually("delivery was tried", tried, within=60)
    return relay.running


def test_the_search_finds_what_is_shown() -> None:
    assert shown(f"x {FIRST.upper()} y")
    assert shown(f"?client_secret={SECOND}")
