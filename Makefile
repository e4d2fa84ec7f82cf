# grpcbench. `make help` lists everything.
GO ?= go
BIN := bin/grpcbench
SCENARIO ?= scenarios/quick.yaml

# The tests against real servers, and the Consul that they start: a module each.
E2E := clientcore/discovery/internal/e2e
E2E_COMMAND := cmd/grpcbench/internal/e2e
CONSUL = bin/consul-$(shell awk '$$1 == "github.com/hashicorp/consul" {print $$2}' $(E2E)/consul/go.mod)

# The packages whose tests take longest: begun first, they do not keep one
# processor busy at the end while the others have nothing to do.
LONGEST := ./scenario/run ./cmd/grpcbench ./reports

# How many packages are tested at once: one more than there are processors, for the
# command's tests wait for runs most of the time.
AT_ONCE := -p $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n + 1)))

.DEFAULT_GOAL := help

.PHONY: help
help: ## list what make can do
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

.PHONY: build
build: ## build bin/grpcbench
	@# The first build compiles everything: with less garbage collection a third faster.
	GOGC=$${GOGC:-400} $(GO) build -o $(BIN) ./cmd/grpcbench

.PHONY: man
man: build ## write the manual pages into bin/man
	./$(BIN) man --output bin/man/man1

.PHONY: run
run: build ## build and run the quick scenario (SCENARIO=file for another)
	./$(BIN) run $(SCENARIO)

.PHONY: test
test: ## the whole test suite
	$(GO) test $(AT_ONCE) -timeout 20m $(LONGEST) ./...

.PHONY: race
race: ## the test suite under the race detector, but for what takes very many calls
	@# One processor for tests in virtual time: where two goroutines of a synctest
	@# bubble set timers that are due at once, Go 1.26's race detector may crash
	@# (runtime.(*timer).modify runs both in one race context). It finds races by
	@# order, not by luck. The crowd, in real time, has all processors.
	@# reports and reports/stats are functions of one goroutine, which reports/live and the
	@# command call from theirs: two minutes of detecting nothing.
	CGO_ENABLED=1 $(GO) test -race -short -cpu 1 -parallel 2 $(AT_ONCE) -timeout 30m $(filter-out ./reports,$(LONGEST)) $$($(GO) list ./... | grep -v -e '/reports$$' -e '/reports/stats$$')
	CGO_ENABLED=1 $(GO) test -race -run '^TestTenThousandGoroutines$$' ./clientcore

.PHONY: gates
gates: ## run quick.yaml and judge it by gates: half a minute
	.ci/gates

.PHONY: e2e
e2e: e2e-reports e2e-discovery e2e-servers ## what needs real servers, tools or a browser

.PHONY: e2e-reports
e2e-reports: ## open reports with their consumers: promtool, benchstat, a browser (installs them)
	.ci/e2e-reports

.PHONY: e2e-discovery
e2e-discovery: ## discovery against a real Consul and etcd, on loopback
	@$(MAKE) --no-print-directory consul
	$(GO) -C $(E2E) vet ./...
	GRPCBENCH_CONSUL=$(CURDIR)/$(CONSUL) $(GO) -C $(E2E) test -count=1 -timeout 5m ./...

.PHONY: e2e-servers
e2e-servers: ## the command against an embedded etcd, grpc-go's interop server and health service, on loopback
	$(GO) -C $(E2E_COMMAND) vet ./...
	$(GO) -C $(E2E_COMMAND) test -count=1 -timeout 10m ./...

.PHONY: consul
consul: $(CONSUL) ## build the Consul of make e2e: minutes the first time, bin/ keeps it

bin/consul-%:
	GOGC=$${GOGC:-400} $(GO) -C $(E2E)/consul build -trimpath -ldflags='-s -w' -o $(CURDIR)/$@ github.com/hashicorp/consul

.PHONY: tidy
tidy: ## go mod tidy, in every module
	$(GO) mod tidy
	$(GO) -C $(E2E) mod tidy
	$(GO) -C $(E2E_COMMAND) mod tidy
	$(GO) -C $(E2E)/consul mod tidy

.PHONY: lint
lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff

.PHONY: fuzz
fuzz: ## fuzz each parser for a minute (FUZZTIME=60s)
	$(GO) test -run '^$$' -fuzz '^FuzzParse$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./scenario/strict
	$(GO) test -run '^$$' -fuzz '^FuzzDecode$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./scenario/strict
	$(GO) test -run '^$$' -fuzz '^FuzzRead$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./scenario
	$(GO) test -run '^$$' -fuzz '^FuzzPath$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./scenario/expect
	$(GO) test -run '^$$' -fuzz '^FuzzParse$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./clientcore/discovery/file
	$(GO) test -run '^$$' -fuzz '^FuzzParse$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./clientcore/discovery/targets
	$(GO) test -run '^$$' -fuzz '^FuzzRead$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./reports/result
	$(GO) test -run '^$$' -fuzz '^FuzzParse$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./reports/gate
	$(GO) test -run '^$$' -fuzz '^FuzzParseAll$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./reports/gate
	$(GO) test -run '^$$' -fuzz '^FuzzRead$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./reports/history
	$(GO) test -run '^$$' -fuzz '^FuzzFormats$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./reports
	$(GO) test -run '^$$' -fuzz '^FuzzReadArrivals$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./scenario/load
	$(GO) test -run '^$$' -fuzz '^FuzzCompile$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./scenario/message
	$(GO) test -run '^$$' -fuzz '^FuzzTemplate$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./scenario/message
	$(GO) test -run '^$$' -fuzz '^FuzzFeed$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./scenario/message
	$(GO) test -run '^$$' -fuzz '^FuzzProtoset$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./scenario/descriptor
	$(GO) test -run '^$$' -fuzz '^FuzzAfterText$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./clientcore/hedge
	$(GO) test -run '^$$' -fuzz '^FuzzReadPoints$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./fakeserver/servicetime
	$(GO) test -run '^$$' -fuzz '^FuzzGarbage$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./fakeserver/http2conn

.PHONY: bench
bench: ## measure grpcbench itself, beside a bare grpc-go loop: four minutes
	$(GO) test -run '^$$' -bench '^BenchmarkRecord$$' ./scenario/engine
	$(GO) test -run '^$$' -bench '^BenchmarkOverhead$$' -benchtime 40x ./cmd/grpcbench
	$(GO) test -run '^$$' -bench '^BenchmarkDynamicUnary$$' -benchtime 16x ./cmd/grpcbench
	$(GO) test -run '^$$' -bench '^BenchmarkPacing$$' -benchtime 3x ./cmd/grpcbench
	$(GO) test -run '^$$' -bench '^BenchmarkStall$$' -benchtime 1x ./cmd/grpcbench
	@# Each format of a result of 64 variants x 10 trials, in a process of its own.
	$(GO) test -run '^$$' -bench '^BenchmarkReports$$' -benchtime 1x ./cmd/grpcbench

.PHONY: bench-parts
bench-parts: ## measure the parts of grpcbench on their own
	$(GO) test -run '^$$' -bench . -benchtime $(or $(BENCHTIME),1s) ./clientcore/... ./scenario/engine ./scenario/message ./fakeserver

.PHONY: aa
aa: ## is the same told apart from itself? AA=20 runs of a minute each, on an idle machine
	@mkdir -p bin
	GRPCBENCH_AA=$(or $(AA),20) GRPCBENCH_AA_OUT=$(CURDIR)/bin/aa.json $(GO) -C cmd/grpcbench test -count=1 -timeout 3h -run '^TestAA$$'

.PHONY: soak
soak: ## half an hour at full speed: memory and goroutines flat, books exact (SOAK=30m)
	$(GO) test -count=1 -v -timeout 25h -run '^TestSoak$$' ./cmd/grpcbench -args -soak $(or $(SOAK),30m)

.PHONY: oracles
oracles: ## theory against the whole stack in virtual time: a table; fails where a bound is broken
	@$(GO) -C scenario/run test -count=1 -run '^TestOracles$$' -args -oracles
	@# The recursion itself against theory, over 10⁷ draws, and the fleet alone to the nanosecond.
	@$(GO) test -count=1 -run '^(TestRecursionsAreTheory|TestQueueIsKieferWolfowitz|TestLossIsErlangs)$$' ./fakeserver

.PHONY: generate
generate: ## make the Go code of the .proto files, and the schema of result.json
	$(GO) run ./fakeserver/internal/genproto
	$(GO) run ./cmd/grpcbench schema --result > docs/result.schema.json

.PHONY: check-generate
check-generate: ## fail when generated code is stale
	$(GO) run ./fakeserver/internal/genproto -check
	$(GO) run ./cmd/grpcbench schema --result | diff - docs/result.schema.json

.PHONY: update-golden
update-golden: ## write the golden files anew; read the diff
	$(GO) test ./scenario ./scenario/strict ./scenario/message ./scenario/run ./reports -update

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
