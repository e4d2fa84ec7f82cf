# grpcbench. `make help` lists everything.
GO ?= go
BIN := bin/grpcbench
SCENARIO ?= scenarios/quick.yaml

.DEFAULT_GOAL := help

.PHONY: help
help: ## list what make can do
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

.PHONY: build
build: ## build bin/grpcbench
	@# The first build compiles everything: with less garbage collection a third faster.
	GOGC=$${GOGC:-400} $(GO) build -o $(BIN) ./cmd/grpcbench

.PHONY: run
run: build ## build and run the quick scenario (SCENARIO=file for another)
	./$(BIN) run $(SCENARIO)

.PHONY: test
test: ## the whole test suite
	$(GO) test ./...

.PHONY: race
race: ## the whole test suite under the race detector
	CGO_ENABLED=1 $(GO) test -race ./...

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
	$(GO) test -run '^$$' -fuzz '^FuzzReadArrivals$$' -fuzzminimizetime=20x -fuzztime $(or $(FUZZTIME),60s) ./scenario/load

.PHONY: bench
bench: ## measure grpcbench itself, beside a bare grpc-go loop
	$(GO) test -run '^$$' -bench '^BenchmarkOverhead$$' -benchtime 8x ./cmd/grpcbench
	$(GO) test -run '^$$' -bench '^BenchmarkStall$$' -benchtime 1x ./cmd/grpcbench
	$(GO) test -run '^$$' -bench . -benchtime $(or $(BENCHTIME),1s) ./clientcore ./scenario/engine ./fakeserver

.PHONY: generate
generate: ## make the Go code of the .proto files
	$(GO) run ./fakeserver/internal/genproto

.PHONY: check-generate
check-generate: ## fail when generated code is stale
	$(GO) run ./fakeserver/internal/genproto -check

.PHONY: update-golden
update-golden: ## write the golden files anew; read the diff
	$(GO) test ./scenario ./scenario/strict ./scenario/run ./reports -update

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
