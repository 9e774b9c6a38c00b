"""deploy/kubernetes runs what docker-compose.yml runs.

Rendered by the kustomize in kubectl, and valid by the schemas of Kubernetes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from gateway_arq.tests.test_gateway_deploy import OURS, SERVICES

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("1.31", "1.37")
OVERLAYS = ("production", "trial")
WEB = {"http", "sockets"}
SECRETS = ("common", "api", "webcom", "pbx", "webtv", "ocr")
DOTENV = """
DATABASE_URL=postgres://gateway:secret@postgres:5432/gateway
REDIS_URL=redis://:secret@redis:6379/0
POSTGRES_PASSWORD=secret
REDIS_PASSWORD=secret
"""
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def kustomize() -> list[str]:
    """The command that renders a folder."""
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    pytest.skip("kubectl or kustomize is not here")


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request, kustomize, tmp_path_factory) -> list[Manifest]:
    """What an overlay makes of the base, with the Secrets of a complete .env."""
    folder = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    shutil.copytree(ROOT / "deploy" / "kubernetes", folder)
    overlay = folder / "overlays" / request.param
    (overlay / ".env").write_text((ROOT / ".env.example").read_text() + DOTENV)
    subprocess.run([ROOT / "bin" / "split-env", overlay], check=True)
    done = subprocess.run([*kustomize, overlay], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(manifests: list[Manifest], *kinds: str) -> dict[str, Manifest]:
    return {m["metadata"]["name"]: m for m in manifests if m["kind"] in kinds}


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The pods' specs by the name of what makes them."""
    makers = of_kind(manifests, "Deployment", "Job", "StatefulSet")
    return {name: maker["spec"]["template"]["spec"] for name, maker in makers.items()}


def main_container(manifests: list[Manifest], name: str) -> Manifest:
    [container] = pods(manifests)[name]["containers"]
    return container


def containers(pod: Manifest) -> Iterator[Manifest]:
    yield from pod.get("initContainers", [])
    yield from pod["containers"]


def settings_of(manifests: list[Manifest], container: Manifest) -> dict[str, Any]:
    """Every variable of a container: its name, and its value or None for a secret's."""
    found: dict[str, Any] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            found |= of_kind(manifests, "ConfigMap")[source["configMapRef"]["name"]]["data"]
        else:
            secret = of_kind(manifests, "Secret")[source["secretRef"]["name"]]
            found |= dict.fromkeys(secret.get("data") or {})
    return found | {entry["name"]: entry.get("value") for entry in container.get("env", [])}


def secrets_of(container: Manifest) -> list[str]:
    names = [s["secretRef"]["name"] for s in container.get("envFrom", []) if "secretRef" in s]
    return [re.sub(r"-[a-z0-9]{10}$", "", name) for name in names]


def mebibytes(size: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([mgMG])i?", size).groups()
    return int(number) * (1024 if unit in "gG" else 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid(manifests, version):
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_every_service_of_compose_runs(manifests):
    made = pods(manifests).keys()
    assert set(SERVICES) - {"postgres", "redis"} <= made
    assert made - set(SERVICES) == set()


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_what_it_is_in_compose(manifests, name):
    service, container = SERVICES[name], main_container(manifests, name)
    assert container.get("args", []) == [str(part) for part in service.get("command", [])]
    assert secrets_of(container) == [Path(path).stem for path in service["env_file"]]
    given = settings_of(manifests, container)
    assert given.keys() >= service["environment"].keys()
    literal = {key: value for key, value in service["environment"].items() if "${" not in value}
    assert given.items() >= literal.items()
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {re.search(r"([^:}]+)(:ro)?$", volume)[1] for volume in service["volumes"]}
    assert mounted == volumes | set(service["tmpfs"])
    limits = container["resources"]["limits"]
    assert mebibytes(limits["memory"]) == mebibytes(service["mem_limit"])
    assert float(limits["cpu"]) == service["cpus"]
    grace_s = int(service["stop_grace_period"].removesuffix("s"))
    assert pods(manifests)[name].get("terminationGracePeriodSeconds", 30) >= grace_s


@pytest.mark.parametrize("name", [name for name in OURS if name != "migrate"])
def test_health_is_asked_as_in_compose_and_replicas_are_as_many(manifests, name):
    service, container = SERVICES[name], main_container(manifests, name)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["exec"]["command"] == service["healthcheck"]["test"][1:]
    deployment = of_kind(manifests, "Deployment")[name]["spec"]
    replicas = service.get("deploy", {}).get("replicas", 1)
    if name in WEB:
        assert "replicas" not in deployment, "the autoscaler's is lost with every apply"
        scaler = of_kind(manifests, "HorizontalPodAutoscaler")[name]["spec"]
        assert scaler["minReplicas"] == replicas
    else:
        assert deployment["replicas"] == replicas


def test_beat_runs_once_also_during_an_update(manifests):
    beat = of_kind(manifests, "Deployment")["beat"]["spec"]
    assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})


def test_every_pod_waits_for_the_migration_but_the_migration_itself(manifests):
    waiting = {name for name, pod in pods(manifests).items() if "initContainers" in pod}
    assert waiting == set(OURS) - {"migrate"}


def test_no_container_gains_or_writes_anything(manifests):
    """Pod Security Standard `restricted`, and a read-only root."""
    for name, pod in pods(manifests).items():
        context = pod["securityContext"]
        assert context["runAsNonRoot"], name
        assert context["runAsUser"] == (10001 if name in OURS else context["runAsUser"]) > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod["automountServiceAccountToken"]
        assert not pod["enableServiceLinks"]
        for container in containers(pod):
            assert container["securityContext"] == {
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]


def test_selectors_find_pods_and_ports(manifests):
    labels = {
        name: maker["spec"]["template"]["metadata"]["labels"]
        for name, maker in of_kind(manifests, "Deployment", "Job", "StatefulSet").items()
    }
    for name, service in of_kind(manifests, "Service").items():
        assert labels[name].items() >= service["spec"]["selector"].items()
    budgets = of_kind(manifests, "PodDisruptionBudget")
    assert budgets.keys() == {"proxy", *OURS} - {"beat", "migrate"}
    for name, budget in budgets.items():
        assert labels[name].items() >= budget["spec"]["selector"]["matchLabels"].items()
    assert {labels[name].get("reach") for name in OURS} == {"stores", "everything"}
    assert {name for name in OURS if labels[name]["reach"] == "stores"} == {
        "beat",
        "migrate",
        "sockets",
    }


def test_web_servers_go_on_until_nobody_sends_them_anything(manifests):
    for name in {"proxy", *WEB}:
        hook = main_container(manifests, name)["lifecycle"]["preStop"]["exec"]["command"]
        assert hook == ["sleep", "5"]


def test_stores_are_those_of_compose(manifests):
    stores = of_kind(manifests, "StatefulSet")
    for name in stores:
        service, container = SERVICES[name], main_container(manifests, name)
        default = re.fullmatch(r"\$\{\w+:-(.+)\}", service["image"])[1]
        assert container["image"] == default
        plain = [part for part in service.get("command", []) if "${" not in part]
        assert container.get("args", [])[: len(plain)] == plain
        assert container["readinessProbe"]["exec"]["command"] == service["healthcheck"]["test"][1:]
        limit = container["resources"]["limits"]["memory"]
        assert mebibytes(limit) == mebibytes(service["mem_limit"])
