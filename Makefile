# What each target needs is installed by it: npm packages and Go tools into this
# directory, programs that are missing (Chromium, Python, Java and Maven, Redis, Prometheus, nginx,
# HAProxy, a C compiler for the race detector) by apt-get, with sudo unless run as root.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ADDR ?= localhost:3000
FUZZTIME ?= 20000x
CHROMIUM ?= chromium
GO_NEWEST := go1.27.4
LINT_VERSION := v2.15.0
LINT := .bin/golangci-lint-$(LINT_VERSION)
DEADCODE_VERSION := v0.52.0
DEADCODE := .bin/deadcode-$(DEADCODE_VERSION)
VULNCHECK_VERSION := v1.8.0
VULNCHECK := .bin/govulncheck-$(VULNCHECK_VERSION)
VULNDB ?= https://vuln.go.dev

# TESTED are the modules whose tests are run with those of the core, two at a time: those of
# the first ones wait most of the time.
TESTED := cluster/redis cluster/nats/embedded cluster/nats adminui cmd/siogen contract validate validate/agreement examples/cluster examples/react-vite metrics/otel metrics/prometheus
# FUZZED are those with fuzz targets.
FUZZED := adminui contract metrics/otel validate/agreement
in-tested = printf '%s\n' $(TESTED) | xargs -P 2 -I {} sh -c 'cd {} && $(1)'
MODULES := . bench bench/servers/centrifuge bench/servers/zishang $(TESTED) examples/adminui interop/asyncapi interop/cluster interop/contract/server interop/frameworks

# PATIENT is for tests of packages that take minutes on a slow machine.
PATIENT := -timeout 20m

PLATFORMS := windows/amd64 darwin/arm64 freebsd/amd64 js/wasm linux/386

STEPS := lint generate-check build platforms race plain newest frameworks-oldest frameworks-newest fuzz interop-node interop-python interop-java interop-frameworks interop-cluster interop-contract interop-asyncapi browser floods kills

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: chat
chat: examples/chat/node_modules/.package-lock.json ## serve the chat on the official client; ADDR=localhost:8080 elsewhere
	go build -o .bin/chat ./examples/chat
	@.bin/chat -addr $(ADDR) # go run would end in an error on Ctrl-C

.PHONY: cluster
cluster: examples/chat/node_modules/.package-lock.json ## serve the chat on three servers that NATS makes one; REDIS=localhost:6379: a Redis
	cd examples/cluster && go build -o ../../.bin/cluster .
	@.bin/cluster -addr $(ADDR) $(if $(REDIS),-redis $(REDIS))

.PHONY: react
react: examples/react-vite/node_modules/.package-lock.json ## serve the board in React, with Go; ADDR=localhost:8080 elsewhere
	cd examples/react-vite && npm run --silent build && go build -o ../../.bin/react .
	@cd examples/react-vite && ../../.bin/react -addr $(ADDR)

.PHONY: test
test: ## run all tests, and tell at the end what failed
	@scripts/steps $(STEPS)

# What is made of Go types, and of TypeScript.
.PHONY: generate
generate: siogen examples/chat/node_modules/typescript/package.json examples/react-vite/node_modules/.package-lock.json ## make the types of the examples' pages anew, and the script of the chat
	cd examples/chat && ../../.bin/siogen -o app/web/events.d.ts ./app && npm run --silent build
	cd examples/react-vite && ../../.bin/siogen -o src/events.ts ./board && npm run --silent check

.PHONY: generate-check
generate-check: siogen examples/chat/node_modules/typescript/package.json examples/react-vite/node_modules/.package-lock.json ## check that these are what make generate would make
	cd examples/chat && ../../.bin/siogen -check -o app/web/events.d.ts ./app
	cd examples/chat && npm run --silent build -- --outDir ../../.bin/chat-page && diff -u app/web/static/chat.js ../../.bin/chat-page/chat.js
	cd examples/react-vite && ../../.bin/siogen -check -o src/events.ts ./board && npm run --silent check

.PHONY: siogen
siogen:
	cd cmd/siogen && go build -o ../../.bin/siogen .

.PHONY: lint
lint: $(LINT) $(DEADCODE) ## check format, code and go.mod, that imports run one way, and that nothing is left over
	@bad=$$(find . -name node_modules -prune -o -name '*.go' -print0 | xargs -0 gofmt -l); \
	if [[ -n $$bad ]]; then echo "not gofmt'ed:" $$bad >&2; exit 1; fi
	go vet ./...
	$(LINT) run ./...
	for dir in $(filter-out .,$(MODULES)); do (cd $$dir && $(CURDIR)/$(LINT) run --enable-only depguard,modernize,unused ./...); done
	for dir in $(MODULES); do (cd $$dir && go mod tidy -diff); done
	@for dir in $(MODULES); do echo "deadcode -test $$dir"; cd $(CURDIR)/$$dir; dead=$$($(CURDIR)/$(DEADCODE) -test ./...); \
	if [[ -n $$dead ]]; then echo "$$dead" >&2; exit 1; fi; done

.PHONY: vulncheck
vulncheck: $(VULNCHECK) ## look for known vulnerabilities, in the database at VULNDB (or file:// and a copy of it): needs the network
	@for dir in $(MODULES); do echo "govulncheck $$dir"; cd $(CURDIR)/$$dir; \
	$(CURDIR)/$(VULNCHECK) -db $(VULNDB) ./... || { status=$$?; \
	if [[ $$status != 3 ]]; then echo "nothing was checked: can the database at $(VULNDB) be reached?" >&2; fi; exit $$status; }; done

.PHONY: build
build: ## compile everything, the examples and the bench included
	go build ./...
	for dir in bench bench/servers/centrifuge bench/servers/zishang $(TESTED) examples/adminui; do (cd $$dir && go vet ./...); done

.PHONY: platforms
platforms: ## vet everything for the other systems that it is made for
	for p in $(PLATFORMS); do echo "$$p"; CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go vet ./...; done

# race and plain go on when a test has failed, and tell of all.
.PHONY: race
race: cc redis prometheus ## run the Go tests under the race detector, with epoll and without
	failed=0; trap 'exit 130' INT; go test -race $(PATIENT) ./... || failed=1; \
	go test -race $(PATIENT) -tags portable . ./engineio ./socketio || failed=1; \
	$(call in-tested,go test -race $(PATIENT) ./...) || failed=1; exit $$failed

.PHONY: plain
plain: redis prometheus ## run the Go tests without the race detector: other system calls are made, and allocations are counted
	failed=0; trap 'exit 130' INT; go test $(PATIENT) ./... || failed=1; \
	$(call in-tested,go test $(PATIENT) ./...) || failed=1; \
	(cd bench && go test $$(go list ./... | grep -v -e /soak -e /failover)) || failed=1; exit $$failed # those are targets of their own

.PHONY: newest
newest: ## run the Go tests on the newest stable Go, GO_NEWEST
	GOTOOLCHAIN=$(GO_NEWEST) go vet ./...
	GOTOOLCHAIN=$(GO_NEWEST) go test ./...

.PHONY: allocs
allocs: ## hold the hot paths to their allocations
	go test -count=1 -run Alloc . ./engineio ./socketio ./socketio/parser ./socketio/parser/msgpack ./cluster/wire

.PHONY: frameworks-oldest
frameworks-oldest: ## test the adapters on the oldest versions of the frameworks that they work with
	scripts/frameworks-oldest

.PHONY: frameworks-newest
frameworks-newest: cc ## test the adapters on the newest versions of the frameworks
	scripts/frameworks-newest -race

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (20000x: as many inputs)
	for dir in . $(FUZZED); do (cd $$dir && $(CURDIR)/scripts/fuzz $(FUZZTIME)); done

.PHONY: interop
interop: interop-node interop-python interop-java interop-frameworks interop-cluster interop-contract interop-asyncapi ## run the official clients against the Go server, and Node servers beside it

.PHONY: interop-node
interop-node: interop-server proxies interop/node_modules/.package-lock.json
	go build -race -o .bin/troubleshooting ./interop/troubleshooting
	cd interop && node --test --test-timeout=300000 --test-reporter=spec node/*.test.mjs troubleshooting/*.test.mjs
	cd interop && SERVER_FLAGS=-hijack-polling node --test --test-timeout=300000 --test-name-pattern='4\.8 over (polling|upgrade)' node/*.test.mjs

.PHONY: interop-python
interop-python: interop-server .venv/.done
	cd interop/python && ../../.venv/bin/python -B -m unittest -v

.PHONY: interop-java
interop-java: interop-server maven
	cd interop/java && mvn --batch-mode --no-transfer-progress test

.PHONY: interop-frameworks
interop-frameworks: cc interop/node_modules/.package-lock.json
	cd interop/frameworks && go vet ./... && go build -race -o ../../.bin/frameworks-server .
	go build -race -o .bin/examples/ ./examples/...
	cd interop && SERVER=$(CURDIR)/.bin/frameworks-server node --test --test-timeout=300000 --test-reporter=spec frameworks/*.test.mjs

.PHONY: interop-cluster
interop-cluster: cc redis proxies interop/node_modules/.package-lock.json
	cd interop/cluster && go vet ./... && go build -race -o ../../.bin/cluster-server . && go build -race -o ../../.bin/cluster-relay ./relay
	cd interop && node --test --test-timeout=300000 --test-reporter=spec cluster/*.test.mjs

.PHONY: interop-contract
interop-contract: cc interop/contract/node_modules/.package-lock.json
	cd interop/contract/server && go vet ./... && go build -race -o ../.bin/server .
	cd cmd/siogen && go build -o ../../interop/contract/.bin/siogen .
	cd interop/contract && node --test --test-timeout=300000 --test-reporter=spec

.PHONY: interop-asyncapi
interop-asyncapi: cc interop/asyncapi/node_modules/.package-lock.json
	cd interop/asyncapi && go vet ./... && go build -race -o ../../.bin/asyncapi .
	cd interop/asyncapi && node --test --test-timeout=300000 --test-reporter=spec

.PHONY: interop-reference
interop-reference: redis interop/node_modules/.package-lock.json .venv/.done maven ## prove the interop tests against the reference server
	cd interop && TARGET=reference node --test --test-timeout=300000 --test-reporter=spec node/*.test.mjs cluster/*.test.mjs
	cd interop/python && TARGET=reference ../../.venv/bin/python -B -m unittest -v
	cd interop/java && TARGET=reference mvn --batch-mode --no-transfer-progress test

.PHONY: interop-server
interop-server: cc
	go build -race -o .bin/interop-server ./interop/server

.PHONY: browser
browser: chromium cc redis proxies examples/chat/node_modules/.package-lock.json examples/react-vite/node_modules/.package-lock.json interop/browser/node_modules/.package-lock.json ## drive the examples, and the Admin UI, in Chromium
	cd interop/browser && node --test --test-timeout=120000 --test-reporter=spec

.PHONY: bench
bench: ## measure beside other servers, and how cost grows: a good hour, into bench/results
	cd bench && go run . && go run ./growth

.PHONY: bench-cluster
bench-cluster: redis ## measure two servers of a cluster beside two of the reference: some minutes, into bench/results
	cd bench && go run ./cluster

.PHONY: bench-adminui
bench-adminui: ## measure what an open page of the Admin UI costs, which has limits: four minutes, into bench/results
	cd bench && go run ./adminui -out results -check

.PHONY: bench-cores
bench-cores: ## measure what many cores would make of the server: four minutes, into bench/results
	cd bench && go run ./cores -out results

.PHONY: bench-million
bench-million: ## connect hundreds of thousands of clients that are idle, and weigh them: six minutes, into bench/results
	cd bench && go run ./million -out results

.PHONY: bench-tls
bench-tls: ## measure what TLS costs that the server ends, beside the reference: three minutes, into bench/results
	cd bench && go run ./tls -out results
	cd bench && go run -tags portable ./tls -targets sio -out results

.PHONY: bench-observe
bench-observe: prometheus ## draw the dashboard fed by a load, and measure what metrics cost: eight minutes, into bench/results
	cd bench && go run ./dashboard
	cd bench && go run ./observe -out results -check

.PHONY: floods
floods: ## flood a server for some seconds, with honest clients beside
	cd bench && go test -count=1 ./soak
	cd bench && go test -count=1 -tags portable -run 'Floods/(pings|acks)' ./soak

.PHONY: kills
kills: redis proxies ## kill servers of a cluster for some seconds, and check that no client has missed anything
	cd bench && go test -count=1 ./failover

.PHONY: soak
soak: redis proxies ## flood a server in every way, with epoll and without, and let 100,000 clients come and go, and kill a thousand servers: an hour, into bench/results
	cd bench && go run ./failover -kills 1000 -balancer haproxy -relay tcp -limit 40m
	cd bench && go run ./soak -churn 100000
	cd bench && go run ./soak
	cd bench && go run -tags portable ./soak

.PHONY: clean
clean: ## remove what was installed and built here
	rm -rf .bin .venv artifacts interop/java/target interop/contract/.bin examples/react-vite/dist {examples/chat,examples/react-vite,interop,interop/asyncapi,interop/browser,interop/contract}/node_modules bench/.build bench/servers/*/{node_modules,target,.venv}

.PHONY: cc
cc:
	@command -v $$(go env CC) >/dev/null || scripts/apt-install gcc libc6-dev

.PHONY: redis
redis:
	@command -v redis-server >/dev/null || scripts/install-service redis-server

.PHONY: prometheus
prometheus:
	@command -v prometheus >/dev/null && command -v promtool >/dev/null || scripts/install-service prometheus

# Debian has them where only root looks.
.PHONY: proxies
proxies:
	@PATH=$$PATH:/usr/sbin; command -v nginx >/dev/null || scripts/install-service nginx-light nginx
	@PATH=$$PATH:/usr/sbin; command -v haproxy >/dev/null || scripts/install-service haproxy

.PHONY: chromium
chromium:
	@command -v $(CHROMIUM) >/dev/null || scripts/apt-install chromium fonts-liberation

.PHONY: maven
maven:
	@command -v mvn >/dev/null && command -v javac >/dev/null || scripts/apt-install maven default-jdk-headless

# The chat needs the client alone, and no compiler.
examples/chat/node_modules/.package-lock.json: examples/chat/package-lock.json
	cd examples/chat && npm ci --omit=dev --no-audit --no-fund
	@touch $@

%/node_modules/typescript/package.json: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund
	@touch $@ $*/node_modules/.package-lock.json

# npm writes this file when all else is installed.
%/node_modules/.package-lock.json: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund
	@touch $@

.venv/.done: interop/python/requirements.txt
	@python3 -c 'import ensurepip' 2>/dev/null || scripts/apt-install python3 python3-venv
	python3 -m venv --clear .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(LINT):
	GOBIN=$(CURDIR)/.bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv .bin/golangci-lint $@

$(DEADCODE):
	GOBIN=$(CURDIR)/.bin go install golang.org/x/tools/cmd/deadcode@$(DEADCODE_VERSION)
	@mv .bin/deadcode $@

$(VULNCHECK):
	GOBIN=$(CURDIR)/.bin go install golang.org/x/vuln/cmd/govulncheck@$(VULNCHECK_VERSION)
	@mv .bin/govulncheck $@
