# Needs JDK 17+, Maven 3.8+, Python 3.10+ and GNU make; fetches the rest. `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
MVN ?= mvn -B
# The tests read these: REQUIRE_ALL=1 turns a skip into a failure, TORTURE=1 runs the long versions,
# JAVA25_HOME names a second JDK to run the relay on.
export REQUIRE_ALL TORTURE JAVA25_HOME

VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
INSTALLED := .venv/.installed
# Inside target/, so that `mvn clean` takes it along with the jars.
PACKAGED := relay/target/.packaged

PYTHON_PACKAGE := outbox-client/python
AIRFLOW_PACKAGE := dags
PYTHONS_airflow-2 := >=3.10,<3.13
PYTHONS_airflow-3 := >=3.10,<3.15
AIRFLOWS := $(patsubst $(AIRFLOW_PACKAGE)/locks/%.in,%,$(wildcard $(AIRFLOW_PACKAGE)/locks/airflow-*.in))
LANGGRAPH := $(AIRFLOW_PACKAGE)/.langgraph
PYTHON_SCRIPTS := $(wildcard outbox-client/conformance relay/e2e relay/demo relay/benchmarks ops/tests ops/grafana/preview ops/benchmarks ops/runtime)
JAVA_SOURCES := pom.xml $(wildcard .mvn/*) outbox-client/java/pom.xml outbox-client/conformance/pom.xml relay/pom.xml \
	relay/embedded-kafka/pom.xml \
	$(shell find outbox-client/java/src outbox-client/conformance/src relay/src relay/embedded-kafka/src -type f -path '*/main/*' 2>/dev/null)

PYTEST := $(BIN)/python -m pytest $(if $(TORTURE),--timeout=14400)
# Most tests wait for processes that they have started; a file's tests share what is made for them.
WORKERS ?= 2
SIDE_BY_SIDE := -n $(WORKERS) --dist loadfile
# A target's duration, also when it fails.
timed = trap 'echo "== $@: $${SECONDS} s"' EXIT
# Not mvn -q: it hides the warnings that -Werror stops at.
define built
mkdir -p target
echo "building the jars; the log is in target/package.log"
$(MVN) $(1) -DskipTests package >target/package.log 2>&1 || { cat target/package.log; exit 1; }
endef

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

# --- run ---

.PHONY: demo
demo: $(PACKAGED) $(INSTALLED) ## Run broker, relay, writers and an outage, and count every event
	@$(BIN)/python relay/demo/demo.py

.PHONY: bench
bench: $(PACKAGED) $(INSTALLED) $(AIRFLOWS:%=$(AIRFLOW_PACKAGE)/.%/.installed) ## Measure against the floor, Kafka's own tools and peers
	@if [ -d relay/benchmarks/src ]; then
		$(call built,-Pbench)
	fi
	$(BIN)/python relay/benchmarks/bench.py
	$(BIN)/python $(AIRFLOW_PACKAGE)/benchmarks/bench.py
	$(BIN)/python $(AIRFLOW_PACKAGE)/benchmarks/run_command.py

# --- test ---

.PHONY: test
test: test-java test-python test-dags test-conformance test-e2e test-ops ## Run every test of every part

.PHONY: test-java
test-java: ## Java: compile under Error Prone, format check, unit, architecture and broker tests
	@$(timed)
	$(MVN) verify
	if [ "$${REQUIRE_ALL:-}" = 1 ]; then $(PYTHON) .ci/skipped-java-tests; fi
	touch $(PACKAGED)

.PHONY: test-python
test-python: lint-python ## Python: ruff, mypy and the client's tests
	@$(timed)
	if [ -d $(PYTHON_PACKAGE)/tests ]; then $(PYTEST) $(SIDE_BY_SIDE) $(PYTHON_PACKAGE)/tests; fi

.PHONY: test-dags
test-dags: $(PACKAGED) $(INSTALLED) $(AIRFLOWS:%=$(AIRFLOW_PACKAGE)/.%/.installed) $(LANGGRAPH)/.installed ## Airflow: events, each Airflow, real schedulers with relay and Kafka, a graph
	@$(timed)
	$(PYTEST) $(AIRFLOW_PACKAGE)/tests/events
	for airflow in $(AIRFLOWS); do
		echo "== $$airflow"
		[ -e $(AIRFLOW_PACKAGE)/.$$airflow/.installed ] || { echo "skipped: it is not installed, see above"; continue; }
		$(AIRFLOW_PACKAGE)/.$$airflow/bin/python -m pytest -W ignore $(AIRFLOW_PACKAGE)/tests/in_airflow
	done
	$(PYTEST) $(SIDE_BY_SIDE) $(AIRFLOW_PACKAGE)/tests/e2e

.PHONY: test-conformance
test-conformance: $(PACKAGED) $(INSTALLED) ## Both languages read and write each other's files
	@$(timed)
	if [ -d outbox-client/conformance ]; then $(PYTEST) $(SIDE_BY_SIDE) outbox-client/conformance; fi

.PHONY: test-e2e
test-e2e: $(PACKAGED) $(INSTALLED) ## The relay's jar against a real Kafka
	@$(timed)
	if [ -d relay/e2e ]; then $(PYTEST) $(SIDE_BY_SIDE) relay/e2e; fi

.PHONY: test-ops
test-ops: $(PACKAGED) $(INSTALLED) ## What operates the relay, against the real thing
	@$(timed)
	$(PYTEST) $(SIDE_BY_SIDE) ops/tests --ignore=ops/tests/test_deb.py --ignore=ops/tests/test_image.py

.PHONY: test-deb
test-deb: $(PACKAGED) $(INSTALLED) ## Install the Debian package in a booted systemd; needs root, debootstrap, systemd-nspawn
	@$(timed)
	$(PYTEST) --timeout=3600 ops/tests/test_deb.py

.PHONY: torture
torture: ## Run the same tests for long, with many more kills, and those that need a host of their own
	@$(MAKE) TORTURE=1 test-python test-dags test-conformance test-e2e test-ops test-apiserver test-deb test-image

include ops/k8s/tools.mk

# --- care ---

.PHONY: lint
lint: lint-python ## Check format, style and types
	@$(timed)
	$(MVN) -DskipTests test-compile spotless:check

.PHONY: lint-python
lint-python: $(INSTALLED)
	@$(timed)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	for scripts in conftest.py $(wildcard $(PYTHON_PACKAGE)/src $(PYTHON_PACKAGE)/tests) $(AIRFLOW_PACKAGE)/src \
		$(AIRFLOW_PACKAGE)/tests/events $(AIRFLOW_PACKAGE)/tests/in_airflow $(AIRFLOW_PACKAGE)/tests/e2e \
		$(AIRFLOW_PACKAGE)/benchmarks $(AIRFLOW_PACKAGE)/example_dags $(AIRFLOW_PACKAGE)/examples \
		$(PYTHON_SCRIPTS); do
		[ -z "$$(find $$scripts -name '*.py' -print -quit)" ] || $(BIN)/mypy $$scripts
	done

.PHONY: format
format: $(INSTALLED) ## Format the sources
	@$(MVN) -q spotless:apply
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: dist
dist: $(PACKAGED) $(INSTALLED) ## Collect the relay's jar and the Python packages in dist/
	@rm -rf dist
	mkdir dist
	cp relay/target/outbox-relay.jar outbox-client/java/target/outbox-client.jar dist/
	for package in $(PYTHON_PACKAGE) $(AIRFLOW_PACKAGE); do
		$(BIN)/python -m build --no-isolation --outdir dist $$package
	done
	cd dist && sha256sum -- * >SHA256SUMS && cat SHA256SUMS

.PHONY: dashboards
dashboards: ## Generate the Grafana dashboards; needs Node.js 20
	@cd ops/grafana
	[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci
	npm run -s generate

.PHONY: classes
classes: $(PACKAGED) $(INSTALLED) ## List the classes for the class archives of package and image
	@$(BIN)/python ops/runtime/list_classes.py

.PHONY: previews
previews: $(PACKAGED) $(INSTALLED) dashboards ## Draw the dashboards with data of real relays; needs Prometheus, Chromium, pngquant
	@$(BIN)/python ops/grafana/preview/preview.py

# --- packages of ops/ ---

# The time of the sources, so that the same sources give the same bytes.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 1767225600)
# A snapshot is older than its release, and newer than the snapshots before it.
DEB_VERSION ?= $(shell sed -n '0,/<version>/s/.*<version>\(.*\)<.version>.*/\1/p' pom.xml | sed "s/-SNAPSHOT/~$$(date -u -d @$(SOURCE_DATE_EPOCH) +%Y%m%d%H%M%S)/")
DEB := target/outbox-relay_$(DEB_VERSION).deb
RUNTIME := target/ops/root

.PHONY: deb
deb: $(PACKAGED) ## Build the Debian package, with a Java runtime of its own
	@$(timed)
	export SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH)
	ops/runtime/build.sh $(RUNTIME)
	ops/deb/build.sh $(RUNTIME) $(DEB_VERSION) $(DEB)
	ls -l $(DEB)

# ARCHIVE=0 leaves the class archive out: a slower start, and the same bytes from the same sources.
ARCHIVE ?= 1

.PHONY: image
image: $(PACKAGED) ## Build the OCI image as a tar, without registry and engine
	@$(timed)
	export SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH)
	ops/runtime/build.sh $(RUNTIME)
	[ "$(ARCHIVE)" = 0 ] || ops/image/archive.sh $(RUNTIME)
	mkdir -p ops/image/target/classes # jib looks for it
	$(MVN) -q -f ops/image/pom.xml com.google.cloud.tools:jib-maven-plugin:buildTar
	ls -l target/outbox-relay-image.tar

.PHONY: test-image
test-image: $(PACKAGED) $(INSTALLED) ## Run the image in podman; needs root and podman
	@$(timed)
	$(MAKE) image
	$(PYTEST) ops/tests/test_image.py

.PHONY: lock
lock: ## Renew requirements-dev.txt and the locks of the Airflows and of LangGraph
	@scratch=$$(mktemp -d)
	trap 'rm -rf "$$scratch"' EXIT
	$(PYTHON) -m venv "$$scratch"
	"$$scratch/bin/pip" -q install uv
	for wanted in requirements-dev.in $(wildcard $(AIRFLOW_PACKAGE)/locks/*.in); do
		"$$scratch/bin/uv" pip compile -q --universal --python-version 3.10 --generate-hashes --upgrade \
			--custom-compile-command 'make lock' "$$wanted" -o "$${wanted%.in}.txt"
	done

.PHONY: clean
clean: ## Remove what the build made
	@$(MVN) -q clean
	rm -rf dist .venv $(AIRFLOWS:%=$(AIRFLOW_PACKAGE)/.%) $(LANGGRAPH) $(OPS_TOOLS) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- built once ---

.PHONY: package
package: $(PACKAGED) ## Build the jars, without tests

.PHONY: venv
venv: $(INSTALLED) ## Make .venv with the locked tools and the Python packages, editable

$(PACKAGED): $(JAVA_SOURCES)
	@$(call built,)
	touch $@

$(INSTALLED): requirements-dev.txt $(PYTHON_PACKAGE)/pyproject.toml $(AIRFLOW_PACKAGE)/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --require-hashes -r requirements-dev.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e $(PYTHON_PACKAGE) -e $(AIRFLOW_PACKAGE)
	touch $@

# The Airflows and LangGraph. Airflow 2 runs on Python 3.12 at most; uv fetches one where the host has none, and where it
# cannot, that Airflow is left out: there is no .installed then, by which the tests know.
$(AIRFLOW_PACKAGE)/.%/.installed: $(AIRFLOW_PACKAGE)/locks/%.txt $(AIRFLOW_PACKAGE)/pyproject.toml $(PYTHON_PACKAGE)/pyproject.toml | $(INSTALLED)
	@rm -rf $(@D)
	if ! $(BIN)/uv venv -q --python '$(or $(PYTHONS_$*),>=3.10)' $(@D); then
		echo "$*: skipped, as this host has no Python $(or $(PYTHONS_$*),>=3.10) and uv could not fetch one" >&2
		[ "$${REQUIRE_ALL:-}" != 1 ]
		exit
	fi
	install="$(BIN)/uv pip install -q --python $(@D)/bin/python"
	$$install --compile-bytecode --require-hashes -r $<
	$$install --no-deps --no-build-isolation -e $(PYTHON_PACKAGE) -e $(AIRFLOW_PACKAGE)
	touch $@
