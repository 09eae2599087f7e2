# What ops/tests checks the manifests with: programs that only Go's own client installs, and schemas.
KUSTOMIZE := sigs.k8s.io/kustomize/kustomize/v5@v5.8.2
KUBECONFORM := github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
KUBE_SCORE := github.com/zegl/kube-score/cmd/kube-score@v1.20.0
PROMETHEUS_OPERATOR := github.com/prometheus-operator/prometheus-operator@v0.85.0
POD_MONITOR := example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml

OPS_TOOLS := ops/.tools

.PHONY: ops-tools
ops-tools: $(OPS_TOOLS)/.installed ## Build kustomize, kubeconform and kube-score (needs Go 1.26+), fetch schemas

$(OPS_TOOLS)/.installed: ops/k8s/tools.mk ops/k8s/schemas.txt ops/tests/manifest_schemas.py | $(INSTALLED)
	@trap 'echo "== ops-tools: $${SECONDS} s"' EXIT
	command -v go >/dev/null || { echo "go is not installed: Go 1.26 or newer is needed" >&2; exit 1; }
	rm -rf $(OPS_TOOLS)/schemas
	mkdir -p $(OPS_TOOLS)
	for program in $(KUBECONFORM) $(KUSTOMIZE) $(KUBE_SCORE); do
		GOBIN=$(CURDIR)/$(OPS_TOOLS)/bin go install $$program
	done
	$(BIN)/pip download -q --no-deps --require-hashes -r ops/k8s/schemas.txt -d $(OPS_TOOLS)
	crds=$$(go mod download -json $(PROMETHEUS_OPERATOR) | $(PYTHON) -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
	cp --no-preserve=mode $$crds/$(POD_MONITOR) $(OPS_TOOLS)/podmonitors.yaml
	$(BIN)/python ops/tests/manifest_schemas.py $(OPS_TOOLS)/*.whl $(OPS_TOOLS)/podmonitors.yaml $(OPS_TOOLS)/schemas
	rm $(OPS_TOOLS)/*.whl
	touch $@

.PHONY: test-apiserver
test-apiserver: $(OPS_TOOLS)/.installed $(OPS_TOOLS)/bin/kube-apiserver ## The manifests against a real Kubernetes API server; compiles it first
	@$(timed)
	$(PYTEST) ops/tests/against_apiserver.py

# Not go install: that refuses modules with replacements.
$(OPS_TOOLS)/bin/kube-apiserver: ops/k8s/apiserver/go.mod
	@trap 'echo "== kube-apiserver: $${SECONDS} s"' EXIT
	mkdir -p $(OPS_TOOLS)/apiserver $(@D)
	cp $< $(OPS_TOOLS)/apiserver/
	cd $(OPS_TOOLS)/apiserver
	go build -mod=mod -trimpath -ldflags '-s -w' -o ../bin/etcd go.etcd.io/etcd/server/v3
	go build -mod=mod -trimpath -ldflags '-s -w' -o ../bin/kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
