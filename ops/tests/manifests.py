"""Builds what is in ops/k8s and looks into it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
K8S = HERE.parent / "k8s"
TOOLS = HERE.parent / ".tools"
SCHEMAS = TOOLS / "schemas"

EXAMPLES = sorted(path.parent.name for path in (K8S / "examples").glob("*/kustomization.yaml"))
TOOL_SECONDS = 120.0

Resource = dict[str, Any]


def tool(name: str) -> str:
    """The path of a program that `make ops-tools` builds; skips the test where it is not."""
    built = TOOLS / "bin" / name
    if not built.exists():
        pytest.skip(f"{name} is not installed: make ops-tools (needs Go 1.26 or newer)")
    return str(built)


def run(*command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False
    )


@cache
def build(folder: Path) -> str:
    """What `kubectl apply -k` would send."""
    built = run(tool("kustomize"), "build", str(folder))
    assert built.returncode == 0, f"kustomize build {folder}: {built.stderr}"
    # Deprecations are told here.
    assert built.stderr == ""
    return built.stdout


def example(name: str) -> str:
    return build(K8S / "examples" / name)


@cache
def resources(text: str) -> tuple[Resource, ...]:
    """The documents of `text`. Not to be changed: every caller gets the same ones."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return tuple(resource for resource in yaml.load_all(text, Loader=loader) if resource)


def pod_template() -> str:
    """The file of the Airflow example that is no resource of its own."""
    return (K8S / "examples" / "airflow" / "pod-template.yaml").read_text()


@dataclass(frozen=True)
class PodSpec:
    """The pod that a workload makes."""

    name: str
    kind: str
    labels: dict[str, str]
    spec: dict[str, Any]

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]

    @property
    def relay(self) -> dict[str, Any] | None:
        return next((c for c in self.containers if c["name"] == "outbox-relay"), None)

    def volume(self, name: str) -> dict[str, Any] | None:
        return next((v for v in self.spec.get("volumes", ()) if v["name"] == name), None)

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def pods(text: str) -> Iterator[PodSpec]:
    for resource in resources(text):
        template = resource if resource["kind"] == "Pod" else None
        if resource["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"}:
            template = resource["spec"]["template"]
        if template is not None:
            name = resource["metadata"]["name"]
            # As the controller of a StatefulSet adds them.
            claims = [
                {
                    "name": claim["metadata"]["name"],
                    "persistentVolumeClaim": {"claimName": f"{claim['metadata']['name']}-{name}-0"},
                }
                for claim in resource["spec"].get("volumeClaimTemplates", ())
            ]
            spec = template["spec"]
            yield PodSpec(
                name,
                resource["kind"],
                template.get("metadata", {}).get("labels", {}),
                {**spec, "volumes": [*spec.get("volumes", ()), *claims]},
            )


def environment(container: dict[str, Any], text: str) -> dict[str, str]:
    """The variables of a container that have fixed values, its ConfigMaps' included."""
    config = {
        resource["metadata"]["name"]: resource["data"]
        for resource in resources(text)
        if resource["kind"] == "ConfigMap"
    }
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        found |= config[source["configMapRef"]["name"]]
    for variable in container.get("env", ()):
        if "value" in variable:
            found[variable["name"]] = variable["value"]
        else:
            reference = variable["valueFrom"].get("configMapKeyRef")
            if reference is not None:
                found[variable["name"]] = config[reference["name"]][reference["key"]]
    return found


def bytes_of(quantity: str) -> int:
    """A quantity in bytes: plain, or with Ki, Mi or Gi."""
    for suffix, factor in (("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30)):
        if quantity.endswith(suffix):
            return int(quantity.removesuffix(suffix)) * factor
    return int(quantity)
