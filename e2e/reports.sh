#!/usr/bin/env bash
# Reports, opened by their consumers: promtool reads the OpenMetrics text,
# benchstat the benchmark text, and headless Chromium opens the page and the
# plots, with JavaScript and without. Installs what is missing where Debian's
# packages are. Pictures of what was seen are left in bin/e2e.
set -euo pipefail
cd "$(dirname "$0")/.."

need() { # command package
  command -v "$1" >/dev/null 2>&1 && return
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "$1 is not installed, and there is no apt-get to install it with" >&2
    exit 1
  fi
  apt-get update -q && apt-get install -qy --no-install-recommends "$2"
}
need promtool prometheus
need chromium chromium

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/grpcbench" ./cmd/grpcbench
# Long enough for plots over time. The verdict does not matter here: the
# machine may be busy.
code=0
"$work/grpcbench" run scenarios/quick.yaml --trials 1 --measure 4s --out "$work/result" --quiet >/dev/null 2>"$work/log" || code=$?
if [ $code -ne 0 ] && [ $code -ne 3 ]; then
  cat "$work/log" >&2
  exit $code
fi
report() { "$work/grpcbench" report "$work/result" "$@"; }

echo "promtool: OpenMetrics"
report --format openmetrics --output "$work/metrics.txt"
promtool check metrics <"$work/metrics.txt"
promtool tsdb create-blocks-from openmetrics "$work/metrics.txt" "$work/tsdb" >/dev/null
mkdir -p "$work/tsdb/wal" # which dump wants, and blocks alone have not
promtool tsdb dump --match '{__name__="grpcbench_response_seconds_count"}' "$work/tsdb" >"$work/dump"
written=$(awk '/^grpcbench_response_seconds_count/ {n++; sum += $(NF-1)} END {print n, sum}' "$work/metrics.txt")
stored=$(awk '/grpcbench_response_seconds_count/ {n++; sum += $(NF-1)} END {print n, sum}' "$work/dump")
if [ "$written" != "$stored" ]; then
  echo "Prometheus stores \"$stored\" histograms and calls where \"$written\" were written" >&2
  exit 1
fi

echo "benchstat: Go benchmark text"
report --format gobench --output "$work/bench.txt"
go tool benchstat -col /retry "$work/bench.txt" >"$work/benchstat"
for column in none immediate full_jitter in-slo-%; do
  grep -q -- "$column" "$work/benchstat" || { echo "benchstat shows no $column" >&2; cat "$work/benchstat" >&2; exit 1; }
done

echo "Chromium: the page and the plots"
E2E_RESULT="$work/result/result.json" E2E_PICTURES="${E2E_PICTURES:-$PWD/bin/e2e}" \
  go test -count=1 -tags e2e -run '^Test(Browser|Promtool)' ./reports
