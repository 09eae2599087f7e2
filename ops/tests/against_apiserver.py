"""What ops/k8s builds is applied to a real API server (dry-run), with Pod Security enforced.

Compiling the server takes long, so no other target than `make test-apiserver` collects this file.
"""

from __future__ import annotations

import copy
import json
import ssl
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from manifests import EXAMPLES, TOOLS, PodSpec, Resource, example, pod_template, pods, resources

from harness.child import Child
from harness.ports import free_port
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Self

TOKEN = "administrator"
START_SECONDS = 300.0
PLURALS = {
    "ConfigMap": "configmaps",
    "DaemonSet": "daemonsets",
    "Deployment": "deployments",
    "Job": "jobs",
    "Namespace": "namespaces",
    "NetworkPolicy": "networkpolicies",
    "Pod": "pods",
    "PodMonitor": "podmonitors",
    "PriorityClass": "priorityclasses",
    "Secret": "secrets",
    "ServiceAccount": "serviceaccounts",
    "StatefulSet": "statefulsets",
}
CLUSTER_WIDE = {"Namespace", "PriorityClass"}
FORBIDDEN = 403


class RefusedError(Exception):
    """The server's answer, if it is not yes."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class ApiServer:
    """A kube-apiserver with an etcd of its own; nothing else of a cluster."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._etcd = free_port()
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        etcd = f"http://127.0.0.1:{self._etcd}"
        peers = f"http://127.0.0.1:{free_port()}"
        self._start(
            "etcd",
            *("--data-dir", str(self._folder / "etcd")),
            *("--listen-client-urls", etcd, "--advertise-client-urls", etcd),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"default={peers}"),
        )
        tokens = self._folder / "tokens.csv"
        tokens.write_text(f'{TOKEN},admin,admin,"system:masters"\n')
        key = str(self._signing_key())
        self._start(
            "kube-apiserver",
            *("--etcd-servers", etcd, "--secure-port", str(self._port)),
            *("--bind-address", "127.0.0.1", "--cert-dir", str(self._folder / "certificates")),
            *("--token-auth-file", str(tokens), "--authorization-mode", "RBAC"),
            *("--service-account-issuer", "https://kubernetes.default.svc"),
            *("--service-account-signing-key-file", key),
            *("--service-account-key-file", key),
            # Nobody is here to make the default accounts.
            *("--disable-admission-plugins", "ServiceAccount"),
            *("--service-cluster-ip-range", "10.0.0.0/24"),
        )
        eventually("the API server is ready", self._is_ready, within=START_SECONDS, every=0.5)
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            if child.running:
                child.kill()

    def _start(self, program: str, *arguments: str) -> None:
        log = self._folder / f"{program}.log"
        self._children.append(Child([str(TOOLS / "bin" / program), *arguments], log=log))

    def _signing_key(self) -> Path:
        key = self._folder / "service-accounts.key"
        command = ["openssl", "genrsa", "-out", str(key), "2048"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return key

    def _is_ready(self) -> bool:
        for child in self._children:
            assert child.running, child.output()[-4000:]
        try:
            return str(self.call("GET", "/readyz")) == "ok"
        except RefusedError as refused:
            raise OSError from refused

    def call(self, method: str, path: str, body: Resource | None = None) -> Any:
        """An answer, decoded if it is JSON. Warnings are errors, as nobody would read them."""
        content = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        request = urllib.request.Request(
            f"https://127.0.0.1:{self._port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": content},
        )
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        try:
            with urllib.request.urlopen(request, context=trusting, timeout=60) as response:
                text = response.read().decode()
                assert response.headers.get_all("Warning") is None, response.headers["Warning"]
        except urllib.error.HTTPError as refused:
            with refused:
                raise RefusedError(refused.code, refused.read().decode()) from None
        return json.loads(text) if text.startswith("{") else text

    def create(self, resource: Resource) -> None:
        """Make it for real; it may be there already."""
        try:
            self.call("POST", collection(resource), resource)
        except RefusedError as refused:
            if refused.code != 409:
                raise

    def apply(self, resource: Resource) -> Resource:
        """What `kubectl apply --server-side --dry-run=server` does, misspelt fields refused."""
        query = "dryRun=All&fieldManager=test&fieldValidation=Strict&force=true"
        path = f"{collection(resource)}/{resource['metadata']['name']}?{query}"
        applied = self.call("PATCH", path, resource)
        assert isinstance(applied, dict)
        return applied


def collection(resource: Resource) -> str:
    version, kind = resource["apiVersion"], resource["kind"]
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    if kind in CLUSTER_WIDE:
        return f"{base}/{PLURALS[kind]}"
    return f"{base}/namespaces/{resource['metadata']['namespace']}/{PLURALS[kind]}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    for program in ("kube-apiserver", "etcd"):
        if not (TOOLS / "bin" / program).exists():
            pytest.skip(f"{program} is not built: make test-apiserver")
    with ApiServer(tmp_path_factory.mktemp("apiserver")) as running:
        crd = yaml.safe_load((TOOLS / "podmonitors.yaml").read_text())
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        running.call("POST", path, crd)
        for name in EXAMPLES:
            for namespace in namespaces(name):
                running.create(namespace)
        running.create(named("monitoring"))
        eventually(
            "PodMonitors are served",
            lambda: "podmonitors" in str(running.call("GET", "/apis/monitoring.coreos.com/v1")),
        )
        yield running


def namespaces(name: str) -> list[Resource]:
    return [r for r in resources(example(name)) if r["kind"] == "Namespace"]


def named(namespace: str) -> Resource:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}


def as_pod(pod: PodSpec, namespace: str) -> Resource:
    """The pod that a controller would make."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "namespace": namespace, "labels": pod.labels},
        "spec": copy.deepcopy(pod.spec),
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_api_server_takes_every_resource(server: ApiServer, name: str) -> None:
    for resource in resources(example(name)):
        applied = server.apply(resource)
        assert applied["kind"] == resource["kind"]


@pytest.mark.parametrize("name", ["deployment", "job", "statefulset", "node", "airflow"])
def test_the_namespace_admits_the_pods(server: ApiServer, name: str) -> None:
    [namespace] = namespaces(name)
    for resource in resources(example(name)):
        # Admission looks for the pod's priority.
        if resource["kind"] == "PriorityClass":
            server.create(resource)
    texts = [example(name), *([pod_template()] if name == "airflow" else [])]
    admitted = 0
    for pod in (pod for text in texts for pod in pods(text)):
        applied = server.apply(as_pod(pod, namespace["metadata"]["name"]))
        admitted += 1
        sidecars = applied["spec"].get("initContainers", [])
        relay = [c for c in sidecars if c["name"] == "outbox-relay"]
        # An old server would have dropped the field, and waited for the relay to end.
        assert all(container["restartPolicy"] == "Always" for container in relay)
    assert admitted > 0


def test_restricted_is_enforced_here(server: ApiServer) -> None:
    [pod] = pods(example("deployment"))
    for container in pod.containers:
        loose = as_pod(pod, "orders")
        for found in [*loose["spec"]["initContainers"], *loose["spec"]["containers"]]:
            if found["name"] == container["name"]:
                del found["securityContext"]["seccompProfile"]
        with pytest.raises(RefusedError, match="restricted") as refused:
            server.apply(loose)
        assert refused.value.code == FORBIDDEN


def test_host_paths_are_refused_where_pods_are_restricted(server: ApiServer) -> None:
    [daemonset] = pods(example("node"))
    elsewhere = as_pod(daemonset, "orders")
    with pytest.raises(RefusedError, match="hostPath") as refused:
        server.apply(elsewhere)
    assert refused.value.code == FORBIDDEN


def test_a_misspelt_field_is_refused(server: ApiServer) -> None:
    [daemonset] = [r for r in resources(example("node")) if r["kind"] == "DaemonSet"]
    wrong = copy.deepcopy(daemonset)
    wrong["spec"]["updateStrategy"]["rollingUpdate"]["maxSurges"] = 0
    with pytest.raises(RefusedError, match="maxSurges"):
        server.apply(wrong)
