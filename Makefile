# What a contributor types. `make help` lists it.

SHELL         := bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL: # a recipe is one script

GO       ?= go
STORE    ?= sqlite:.cache/demo/fhirside.db
LISTEN   ?= 127.0.0.1:8080
AUTH     ?= smart
FUZZTIME ?= 30s

MONGODB_PORT ?= 27017

LINT_VERSION      := v2.15.0
VULNCHECK_VERSION := v1.9.0
SECANTUS_VERSION  := 0.5.3-beta.196
FAULTY_VERSION    := 0.7.0b3

DEFINITIONS := .cache/hl7.fhir.r4.examples-4.0.1.tgz
LINT        := .cache/bin/golangci-lint-$(LINT_VERSION)
FAULTY      := .cache/tools/secantus-$(FAULTY_VERSION)/bin/secantusd-py

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## ---- run ----

.PHONY: build
build: ## build bin/fhirside
	@mkdir -p bin
	$(GO) build -o bin/fhirside ./cmd/fhirside

# The demo clinic is loaded once into each store, so that what you change in it stays.
.PHONY: run
run: build ## serve a demo clinic on http://127.0.0.1:8080 (STORE=…, LISTEN=…, AUTH=none)
	@store='$(STORE)'; path="$${store#sqlite:}"; mkdir -p .cache/demo
	loaded=".cache/demo/$${store//[^A-Za-z0-9]/_}.with-users"
	if [[ $$store == sqlite:* && ! -e $$path ]]; then rm -f "$$loaded"; fi
	if [[ ! -e $$loaded ]]; then
	  echo "Loading the demo clinic into $$store"
	  bin/fhirside demo --store "$$store" --with-users --demo-key .cache/demo/backend.pem >"$$loaded.new"
	  mv "$$loaded.new" "$$loaded"
	fi
	sed -n '/^USER/,$$p' "$$loaded"
	printf '%s\n' "" \
	  "The demo app:  http://$(LISTEN)/demo     (sign in as demo-patient with demo-clinic-patient)" \
	  "The FHIR API:  http://$(LISTEN)/fhir     Ctrl-C ends it. In another terminal try" \
	  "" \
	  "  AUTH=\"Authorization: Bearer \$$(bin/fhirside token demo-app --user demo-doctor --scope 'user/*.cruds' --base-url http://$(LISTEN) --store '$$store')\"" \
	  "  curl -H \"\$$AUTH\" 'http://$(LISTEN)/fhir/Patient/patient-0001'" \
	  "  curl -H \"\$$AUTH\" 'http://$(LISTEN)/fhir/PractitionerRole?specialty=394579002&_include=PractitionerRole:practitioner'" \
	  "  curl -H \"\$$AUTH\" 'http://$(LISTEN)/fhir/Slot?schedule.actor=Practitioner/practitioner-01&status=free&_sort=start&_count=5'" \
	  "  curl -H \"\$$AUTH\" 'http://$(LISTEN)/fhir/Observation?patient=patient-0001&code=4548-4&_sort=-date&_count=5'" \
	  "  curl -H \"\$$AUTH\" 'http://$(LISTEN)/fhir/Communication?subject=Patient/patient-0001&_sort=sent'" \
	  ""
	exec bin/fhirside serve --auth $(AUTH) --listen '$(LISTEN)' --store "$$store" --demo-app

.PHONY: clean
clean: ## remove what was built, and the demo store
	rm -rf bin .cache/demo

.PHONY: docker
docker: ## build the container image fhirside:latest
	docker build -t fhirside .

## ---- prove ----

# Go ends the tests of a package after 10 minutes, which a busy machine may need.
.PHONY: test
test: definitions mongodb-installed ## run every test
	FHIRSIDE_REQUIRE_MONGODB=1 $(GO) test -timeout 1h ./...

.PHONY: race
race: definitions ## run the tests under the race detector (needs a C compiler)
	$(GO) test -race -timeout 1h ./...

.PHONY: verify
verify: definitions $(LINT) ## check format, lint, floors, generated files, modules and known vulnerabilities
	@echo "format"
	unformatted="$$(git ls-files '*.go' | xargs gofmt -l)"
	if [[ -n $$unformatted ]]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	echo "vet"
	$(GO) vet ./...
	echo "lint"
	$(LINT) run ./...
	echo "modules"
	$(GO) mod tidy -diff
	echo "generated files"
	if [[ -e $(DEFINITIONS) ]]; then
	  before="$$(cksum fhir/definitions/r4.json.zst fhir/terminology/r4.tsv.zst)"
	  $(GO) generate ./...
	  if [[ $$before != "$$(cksum fhir/definitions/r4.json.zst fhir/terminology/r4.tsv.zst)" ]]; then echo "the generated definitions have changed: commit them"; exit 1; fi
	else
	  echo "NOTICE: generated files are not checked: the definitions package is not here"
	fi
	echo "known vulnerabilities"
	if curl -sfI --max-time 10 https://vuln.go.dev/index/db.json >/dev/null; then
	  $(GO) run golang.org/x/vuln/cmd/govulncheck@$(VULNCHECK_VERSION) ./...
	else
	  echo "NOTICE: known vulnerabilities are not checked: vuln.go.dev is not reachable"
	fi
	echo "verified"

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME each (30s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9]+' "$$dir"/*_test.go | cut -c6-); do
	    echo "$$dir $$target"
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$dir"
	  done
	done

.PHONY: bench
bench: definitions ## measure the server against its floors (nothing else should run), then the packages
	$(GO) test ./resources/benchmark -run '^Test(Search)?Figures$$|^TestSearchCombinations$$' -figures -v -timeout 1h
	$(GO) test -run '^$$' -bench . -benchmem -timeout 1h ./...

.PHONY: soak
soak: definitions mongodb-installed ## run the long forms of the tests
	FHIRSIDE_SOAK=1 FHIRSIDE_REQUIRE_MONGODB=1 $(GO) test -count=1 -timeout 3h ./...

## ---- tools and data ----

# R4's definitions and examples (CC0). Tests that need them are skipped where they are not.
.PHONY: definitions
definitions: ## fetch the R4 definitions package into .cache
	@if [[ -e $(DEFINITIONS) ]]; then exit 0; fi
	mkdir -p .cache
	if command -v npm >/dev/null; then
	  npm pack --silent hl7.fhir.r4.examples@4.0.1 --pack-destination .cache
	else
	  echo "NOTICE: npm is not here, so the definitions package is not fetched and tests that need it are skipped"
	fi

# Tests want a MongoDB: one that runs, a mongod, a Docker engine; where none is, a server that speaks its protocol, and for tests of
# errors that a server gives on demand its Python twin.
.PHONY: mongodb-installed
mongodb-installed: $(FAULTY)
	@if [[ -z "$${FHIRSIDE_MONGOD:-}" ]] && ! command -v mongod >/dev/null; then
	  echo "NOTICE: mongod is not here, so elections of a replica set ARE NOT TESTED"
	fi
	if [[ -n "$${FHIRSIDE_TEST_MONGODB_URI:-}$${FHIRSIDE_MONGOD:-}$${FHIRSIDE_SECANTUSD:-}" ]] || command -v mongod secantusd-rs >/dev/null ||
	  [[ -x .cache/tools/bin/secantusd-rs ]] || docker info >/dev/null 2>&1; then exit 0; fi
	echo "Building secantusd-rs as a stand-in for MongoDB (some minutes, once)"
	cargo install secantus-mdb --version =$(SECANTUS_VERSION) --ignore-rust-version --locked --root .cache/tools

.PHONY: mongodb
mongodb: mongodb-installed ## start a MongoDB, or the stand-in, to try make run with, on 127.0.0.1:27017 (MONGODB_PORT=…)
	@port='$(MONGODB_PORT)'; data=.cache/mongodb; uri="mongodb://127.0.0.1:$$port/fhirside"
	mongod="$${FHIRSIDE_MONGOD:-$$(command -v mongod || true)}"
	secantusd="$${FHIRSIDE_SECANTUSD:-$$(command -v secantusd-rs || ls .cache/tools/bin/secantusd-rs 2>/dev/null || true)}"
	mkdir -p "$$data"
	if [[ -n $$mongod ]]; then
	  uri+="?replicaSet=rs0"
	  server=("$$mongod" --replSet rs0 --bind_ip 127.0.0.1 --port "$$port" --dbpath "$$data" --quiet)
	  echo "Once, in another terminal:  mongosh --port $$port --eval 'rs.initiate({_id: \"rs0\", members: [{_id: 0, host: \"127.0.0.1:$$port\"}]})'"
	elif [[ -n $$secantusd ]]; then
	  server=("$$secantusd" --host 127.0.0.1 --port "$$port" --storage-path "$$data" --sync-on-commit --cache-size 512M)
	else
	  echo "No mongod is here, but Docker: docker compose up --build --wait starts MongoDB and the server"
	  exit 0
	fi
	echo "In another terminal:  make run STORE='$$uri'      Ctrl-C here ends it; what it holds stays in $$data."
	exec "$${server[@]}"

# Debian's Python has no venv unless python3-venv is installed: then the packages go into a folder, and a script tells Python of it.
$(FAULTY):
	@if [[ -n "$${FHIRSIDE_TEST_MONGODB_URI:-}$${FHIRSIDE_MONGOD:-}$${FHIRSIDE_SECANTUSD_PY:-}" ]] || command -v mongod secantusd-py >/dev/null ||
	  docker info >/dev/null 2>&1; then exit 0; fi
	if ! command -v python3 >/dev/null; then
	  echo "NOTICE: python3 is not here, so the tests of errors that MongoDB gives on demand (fail points) ARE SKIPPED"
	  exit 0
	fi
	echo "Installing secantusd-py, a stand-in for MongoDB that fails on demand (once)"
	place="$$PWD/.cache/tools/secantus-$(FAULTY_VERSION)"
	rm -rf "$$place"
	if python3 -m venv "$$place" >/dev/null 2>&1 &&
	  "$$place/bin/python3" -m pip install --quiet --disable-pip-version-check "SecantusDB==$(FAULTY_VERSION)"; then :
	elif rm -rf "$$place" && python3 -m pip install --quiet --disable-pip-version-check --target "$$place/packages" "SecantusDB==$(FAULTY_VERSION)"; then
	  mkdir -p "$$place/bin"
	  printf '%s\n' '#!/bin/sh' "PYTHONPATH='$$place/packages' exec python3 '$$place/packages/bin/secantusd-py' \"\$$@\"" >"$$place/bin/secantusd-py"
	  chmod +x "$$place/bin/secantusd-py"
	else
	  echo "NOTICE: pip cannot install secantusd-py, so the tests of errors that MongoDB gives on demand (fail points) ARE SKIPPED"
	  exit 0
	fi
	mkdir -p .cache/tools/bin
	ln -sfn "$$place/bin/secantusd-py" .cache/tools/bin/secantusd-py

$(LINT):
	@echo "Building golangci-lint (some minutes, once)"
	mkdir -p .cache/bin
	GOBIN="$$PWD/.cache/bin" nice $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv .cache/bin/golangci-lint $(LINT)
