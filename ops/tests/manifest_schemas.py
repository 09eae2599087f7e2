"""Makes the schemas that kubeconform checks against, without a network: of Kubernetes and a CRD.

    python manifest_schemas.py WHEEL CRD DESTINATION

WHEEL is PyPI's kubernetes-validate, which carries the schemas of each Kubernetes version; CRD the
PodMonitor's definition. DESTINATION gets a folder for each version.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import yaml

# The oldest whose sidecars are on by default, and the newest that the wheel knows.
VERSIONS = ("1.29.0", "1.37.0")
IN_WHEEL = "kubernetes_validate/kubernetes-json-schema/v{}-local-strict/"


def main(wheel: str, crd: str, destination: str) -> None:
    pod_monitor = schema_of(yaml.safe_load(Path(crd).read_text()))
    with zipfile.ZipFile(wheel) as packed:
        for version in VERSIONS:
            folder = Path(destination, version)
            folder.mkdir(parents=True, exist_ok=True)
            unpack(packed, IN_WHEEL.format(version), folder)
            (folder / "podmonitor-monitoring-v1.json").write_text(json.dumps(pod_monitor))


def unpack(wheel: zipfile.ZipFile, prefix: str, folder: Path) -> None:
    names = [name for name in wheel.namelist() if name.startswith(prefix)]
    if not names:
        raise SystemExit(f"{wheel.filename} has nothing below {prefix}")
    for name in names:
        # As published they refer to each other by URL.
        text = wheel.read(name).decode().replace('"/api/_definitions.json', '"_definitions.json')
        schema = json.loads(text)
        schema.pop("$id", None)
        (folder / name.removeprefix(prefix)).write_text(json.dumps(schema))


def schema_of(crd: dict[str, Any]) -> dict[str, Any]:
    [schema] = [
        version["schema"]["openAPIV3Schema"]
        for version in crd["spec"]["versions"]
        if version["name"] == "v1"
    ]
    assert isinstance(schema, dict)
    strict(schema)
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def strict(schema: dict[str, Any]) -> None:
    """Refuse names that the schema does not know, as the API server does with strict fields."""
    properties = schema.get("properties")
    if properties and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        schema.pop("type", None)
    for below in (properties or {}).values():
        strict(below)
    for inside in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inside, dict):
            strict(inside)


if __name__ == "__main__":
    main(*sys.argv[1:])
