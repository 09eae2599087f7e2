"""The manifests of ops/k8s build, Kubernetes' schemas accept them, and they keep the contract."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from manifest_schemas import VERSIONS
from manifests import (
    EXAMPLES,
    K8S,
    SCHEMAS,
    PodSpec,
    build,
    bytes_of,
    environment,
    example,
    pod_template,
    pods,
    resources,
    run,
    tool,
)

from harness.child import clean_environment
from harness.places import RELAY_JAR, built, java

if TYPE_CHECKING:
    from pathlib import Path

WORKLOADS = ("deployment", "job", "statefulset", "node", "airflow")
PORT = 9748
HEALTH_PORT = 9749
RSS_MIB = 120
# What the position's last save may take after the deadline.
LAST_SAVE_SECONDS = 5
APP_STOP_SECONDS = 30
NOT_DELETED_YET = 2 << 30
SECRETS = "/etc/outbox-relay/kafka"
# What the image itself sets.
IMAGE = {"OUTBOX_DIR": "/var/lib/outbox", "OUTBOX_HTTP_ADDRESS": "0.0.0.0:9748"}

# kube-score's checks that do not fit: the reason, and the examples concerned.
IGNORED = {
    "container-image-pull-policy": ("the tag of a release does not move", WORKLOADS),
    "pod-networkpolicy": (
        "it would hold for the application, too, which is not ours to fence in",
        ("job", "statefulset", "airflow"),
    ),
    "deployment-has-poddisruptionbudget": ("the application's own", ("deployment", "airflow")),
    "statefulset-has-poddisruptionbudget": ("the application's own", ("statefulset",)),
    "statefulset-has-servicename": ("the application's own", ("statefulset",)),
    "container-security-context-user-group-id": (
        "the node's directory is root's to give away; Airflow's image wants group 0",
        ("node", "airflow"),
    ),
    "container-security-context-readonlyrootfilesystem": (
        "Airflow writes into its home; the relay's own is tested here",
        ("airflow",),
    ),
}
# A limit of CPU would only slow the relay down when it has a backlog to deliver.
SCORE_OPTIONS = ("--ignore-container-cpu-limit", "--output-format", "ci")


def every_pod() -> list[tuple[str, str, PodSpec]]:
    found = []
    for name in WORKLOADS:
        text = example(name)
        found += [(name, text, pod) for pod in pods(text)]
    found += [("airflow", example("airflow"), pod) for pod in pods(pod_template())]
    return found


def every_relay() -> list[tuple[str, str, PodSpec, dict[str, Any]]]:
    found = []
    for name, text, pod in every_pod():
        if pod.relay is not None:
            found.append((name, text, pod, pod.relay))
    assert len(found) == len(WORKLOADS)
    return found


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_of_kubernetes_accept_it(name: str, version: str) -> None:
    text = example(name) + ("---\n" + pod_template() if name == "airflow" else "")
    checked = kubeconform(text, version)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # Nothing is passed for want of a schema.
    assert "Skipped: 0" in checked.stdout


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("node", "maxUnavailable:", "maxUnavailible:"),
        ("monitoring", "podMetricsEndpoints:", "podMetricEndpoints:"),
    ],
)
def test_a_misspelt_field_is_noticed(name: str, right: str, wrong: str, version: str) -> None:
    text = example(name)
    assert right in text
    assert kubeconform(text.replace(right, wrong), version).returncode != 0


def kubeconform(text: str, version: str) -> subprocess.CompletedProcess[str]:
    program = tool("kubeconform")
    location = str(SCHEMAS / version / "{{.ResourceKind}}{{.KindSuffix}}.json")
    options = ("-strict", "-summary", "-schema-location", location)
    return run(program, *options, "-", stdin=text)


@pytest.mark.parametrize("name", WORKLOADS)
def test_kube_score_finds_nothing_critical(name: str) -> None:
    ignored = [
        option
        for check, (_, examples) in IGNORED.items()
        if name in examples
        for option in ("--ignore-test", check)
    ]
    scored = run(tool("kube-score"), "score", *SCORE_OPTIONS, *ignored, "-", stdin=example(name))
    critical = [line for line in scored.stdout.splitlines() if line.startswith("[CRITICAL]")]
    assert critical == []
    assert "[OK]" in scored.stdout, scored.stderr


def test_the_base_of_the_daemonset_builds_by_itself() -> None:
    kinds = {resource["kind"] for resource in resources(build(K8S / "node"))}
    assert {"DaemonSet", "Namespace", "ServiceAccount", "NetworkPolicy"} <= kinds


def test_every_container_is_as_restricted_wants_it() -> None:
    for name, _, pod in every_pod():
        # Airflow's own pods talk to Kubernetes.
        if name != "airflow":
            assert pod.spec["automountServiceAccountToken"] is False, pod
        for container in pod.containers:
            context = container["securityContext"]
            where = f"{name}: {pod}: {container['name']}"
            assert context["allowPrivilegeEscalation"] is False, where
            assert context["capabilities"] == {"drop": ["ALL"]}, where
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}, where
            assert "privileged" not in context, where
            if (pod.kind, container["name"]) == ("DaemonSet", "directory"):
                assert (context["runAsUser"], context["runAsGroup"]) == (0, 10001)
            else:
                assert context["runAsNonRoot"] is True, where
                assert context["runAsUser"] > 0, where
            # Airflow writes into its home.
            if name != "airflow" or container is pod.relay:
                assert context["readOnlyRootFilesystem"] is True, where


def test_the_relay_runs_as_its_user_with_a_place_for_native_libraries() -> None:
    for name, _, pod, relay in every_relay():
        context = relay["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"]) == (10001, 10001), name
        mounts = {mount["mountPath"]: mount["name"] for mount in relay["volumeMounts"]}
        assert "emptyDir" in (pod.volume(mounts["/tmp"]) or {}), name
        secret = pod.volume(mounts[SECRETS])
        assert secret is not None
        # Readable by the group that fsGroup gives the files, and by nobody else.
        assert secret["secret"]["defaultMode"] == 0o440, name
        assert pod.spec["securityContext"]["fsGroup"] == 10001, name


def test_no_probe_asks_for_kafka_and_none_is_hasty() -> None:
    for name, _, _, relay in every_relay():
        ports = {port["name"]: port["containerPort"] for port in relay["ports"]}
        assert ports == {"outbox-relay": PORT, "health": HEALTH_PORT}, name
        paths = {
            probe: relay[probe]["httpGet"]["path"]
            for probe in ("startupProbe", "readinessProbe", "livenessProbe")
        }
        assert paths == {
            "startupProbe": "/readyz",
            "readinessProbe": "/readyz",
            "livenessProbe": "/healthz",
        }, name
        assert {relay[probe]["httpGet"]["port"] for probe in paths} == {"health"}, name
        liveness, startup = relay["livenessProbe"], relay["startupProbe"]
        # A slow disk or a node under load is no reason for a restart.
        assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 60, name
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 60, name


def test_the_grace_period_is_longer_than_what_has_to_fit_into_it() -> None:
    for name, text, pod, relay in every_relay():
        deadline = int(environment(relay, text)["OUTBOX_STOP_DEADLINE_MS"]) / 1_000
        # A sidecar is told to stop when the app has.
        before = 0 if pod.kind == "DaemonSet" else APP_STOP_SECONDS
        needed = before + deadline + LAST_SAVE_SECONDS
        assert pod.spec["terminationGracePeriodSeconds"] > needed, name


def test_memory_has_room_above_what_was_measured() -> None:
    for name, _, _, relay in every_relay():
        requested = bytes_of(relay["resources"]["requests"]["memory"])
        limit = bytes_of(relay["resources"]["limits"]["memory"])
        assert RSS_MIB << 20 < requested < limit, name


def test_a_full_outbox_is_an_error_of_the_app_and_not_an_eviction() -> None:
    seen = 0
    for name, text, pod in every_pod():
        outbox = pod.volume("outbox")
        if outbox is None or "emptyDir" not in outbox:
            continue
        seen += 1
        assert pod.relay is not None
        assert outbox["emptyDir"].get("medium", "") == "", "tmpfs would be the pod's memory"
        size = bytes_of(outbox["emptyDir"]["sizeLimit"])
        for container in pod.spec["containers"]:
            cap = int(environment(container, text)["OUTBOX_MAX_BYTES"])
            assert cap + NOT_DELETED_YET <= size, name
        limits = [c["resources"]["limits"]["ephemeral-storage"] for c in pod.containers]
        volumes = [v["emptyDir"]["sizeLimit"] for v in pod.spec["volumes"] if "emptyDir" in v]
        assert sum(map(bytes_of, limits)) > sum(map(bytes_of, volumes)), name
        settings = environment(pod.relay, text)
        # With the pod goes what was not delivered.
        assert settings["OUTBOX_DRAIN_ON_STOP"] == "1", name
    assert seen == 3


def test_app_and_sidecar_name_the_same_outbox() -> None:
    seen = 0
    for name, text, pod, relay in every_relay():
        if pod.kind == "DaemonSet":
            continue
        seen += 1
        assert relay["restartPolicy"] == "Always", name
        assert pod.labels["outbox-relay"] == "sidecar", name
        for container in [relay, *pod.spec["containers"]]:
            settings = environment(container, text)
            assert settings["OUTBOX_DIR"] == "/var/lib/outbox/events", name
            assert settings["OUTBOX_TRUST_PARENT"] == "1", name
            [mount] = [m for m in container["volumeMounts"] if m["name"] == "outbox"]
            assert mount["mountPath"] == "/var/lib/outbox", name
    assert seen == 4


def test_only_a_namespace_with_host_paths_is_privileged() -> None:
    for name in WORKLOADS:
        text = example(name) + ("---\n" + pod_template() if name == "airflow" else "")
        [namespace] = [r for r in resources(text) if r["kind"] == "Namespace"]
        level = namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        host_paths = any("hostPath" in v for pod in pods(text) for v in pod.spec["volumes"])
        assert level == ("privileged" if host_paths else "restricted"), name


def test_no_second_relay_runs_beside_the_first_on_a_node() -> None:
    [(_, text, pod)] = [entry for entry in every_pod() if entry[2].kind == "DaemonSet"]
    [daemonset] = [r for r in resources(text) if r["kind"] == "DaemonSet"]
    assert daemonset["spec"]["updateStrategy"]["rollingUpdate"]["maxSurge"] == 0
    assert pod.spec["tolerations"] == [{"operator": "Exists"}]
    assert pod.spec["priorityClassName"] == "outbox-relay"


def test_the_pod_monitor_finds_every_relay() -> None:
    [monitor] = [r for r in resources(example("monitoring")) if r["kind"] == "PodMonitor"]
    [expression] = monitor["spec"]["selector"]["matchExpressions"]
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["path"] == "/metrics"
    for name, _, pod, relay in every_relay():
        assert pod.labels[expression["key"]] in expression["values"], name
        assert endpoint["port"] in {port["name"] for port in relay["ports"]}, name


def test_images_have_a_version() -> None:
    for name, _, pod in every_pod():
        for container in pod.containers:
            _, _, tag = container["image"].rpartition(":")
            assert tag[:1].isdigit(), f"{name}: {container['image']}"


def test_the_relay_accepts_every_setting(tmp_path: Path) -> None:
    for name in ("ca.crt", "tls.crt", "tls.key", "sasl.jaas.config"):
        (tmp_path / name).write_text("secret\n")
    for name, text, _, relay in every_relay():
        settings = {
            variable: value.replace(SECRETS, str(tmp_path))
            for variable, value in {**IMAGE, **environment(relay, text)}.items()
        }
        printed = subprocess.run(
            [java(), "-XX:TieredStopAtLevel=1", "-jar", built(RELAY_JAR), "config", "--json"],
            env={**clean_environment(), **settings},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert printed.returncode == 0, f"{name}: {printed.stderr}"
        # Unknown names are warnings.
        assert json.loads(printed.stdout)["warnings"] == [], name
        assert "secret" not in printed.stdout, name


def test_no_app_is_given_a_setting_that_nobody_reads() -> None:
    clients = {"OUTBOX_DIR", "OUTBOX_TRUST_PARENT", "OUTBOX_MAX_BYTES", "OUTBOX_DURABILITY"}
    for name, text, pod in every_pod():
        for container in pod.spec["containers"]:
            if container is not pod.relay:
                ours = {v for v in environment(container, text) if v.startswith("OUTBOX_")}
                assert ours <= clients, name
                assert "OUTBOX_DIR" in ours, name


def test_the_readme_names_every_example() -> None:
    readme = (K8S / "README.md").read_text()
    assert [name for name in EXAMPLES if f"examples/{name}" not in readme] == []


def test_the_component_is_the_only_place_of_the_sidecar() -> None:
    component = yaml.safe_load((K8S / "sidecar" / "kustomization.yaml").read_text())
    kinds = {patch["target"]["kind"] for patch in component["patches"]}
    assert kinds == {"Deployment", "StatefulSet", "Job"}
