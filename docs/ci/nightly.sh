#!/bin/sh
# One night's benchmark: run a scenario, judge it, write the reports, keep the
# history. Copy it beside your scenarios; it needs grpcbench and a POSIX shell.
#
#   nightly.sh SCENARIO [GATE…]
#
# The gates given are judged beside the scenario's own. Once there is a baseline
# (the first good night's, kept in $GRPCBENCH_STATE), each night is judged against
# it too. The baseline stays: one that followed every night would never see a slow
# decline. GRPCBENCH_NEW_BASELINE=1 takes tonight's in its place, if it is good by
# the gates given: after a change that was meant, or of the scenario.
#
# GRPCBENCH_P99_VARIANTS names the variants whose p99 is compared, with spaces
# between them; all, if it is empty. Leave those out whose p99 lands on failed calls
# every night: of them nothing can be said.
#
# Exit codes are those of grpcbench run: 0 good, 4 cannot tell, 99 a gate failed.
set -eu

scenario=${1:?usage: nightly.sh SCENARIO [GATE…]}
shift
name=$(basename "$scenario" .yaml)
bench=${GRPCBENCH:-grpcbench}              # the command
state=${GRPCBENCH_STATE:-.grpcbench}       # to keep from night to night
out=${GRPCBENCH_OUT:-grpcbench-report}     # to look at in the morning
commit=${GITHUB_SHA:-${CI_COMMIT_SHA:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}}

mkdir -p "$state/baselines" "$out"
for file in result.json table.txt report.html junit.xml summary.md changes.md trend.txt; do
  rm -f "$out/$file" # last night's, where the folder is kept
done

run() { # with a gate for each argument
  for gate in "$@"; do
    shift
    set -- "$@" --gate "$gate"
  done
  "$bench" run "$scenario" --quiet --out "$out" --baselines "$state/baselines" --label "commit=$commit" \
    --inconclusive "${GRPCBENCH_INCONCLUSIVE:-fail}" "$@" >"$out/table.txt"
}

if [ -f "$state/baselines/$name.json" ] && [ "${GRPCBENCH_NEW_BASELINE:-0}" != 1 ]; then
  set -- "$@" "errors <= @$name + ${GRPCBENCH_ERRORS:-0.5pp}"
  [ -n "${GRPCBENCH_P99_VARIANTS:-}" ] || set -- "$@" "p99 <= @$name + ${GRPCBENCH_P99:-10%}"
  for variant in ${GRPCBENCH_P99_VARIANTS:-}; do
    set -- "$@" "p99{variant=$variant} <= @$name + ${GRPCBENCH_P99:-10%}"
  done
fi
code=0
run "$@" || code=$?
if [ "$code" -eq 3 ]; then # INVALID: the machine was too busy to measure
  echo "nightly: once more" >&2
  code=0
  run "$@" || code=$?
fi
[ -f "$out/table.txt" ] && cat "$out/table.txt"
[ -f "$out/result.json" ] || exit "$code"

"$bench" report "$out" --format html --output "$out/report.html"
"$bench" report "$out" --format junit --output "$out/junit.xml"
"$bench" report "$out" --format github --output "$out/summary.md"
if [ -f "$state/baselines/$name.json" ]; then
  # It refuses what cannot be compared, such as another machine; the gates say so.
  "$bench" compare "@$name" "$out" --baselines "$state/baselines" --format markdown >"$out/changes.md" || rm -f "$out/changes.md"
fi
"$bench" history "$state/$name.jsonl" "$out" >"$out/trend.txt"
cat "$out/trend.txt"

if [ "$code" -eq 0 ] && { [ ! -f "$state/baselines/$name.json" ] || [ "${GRPCBENCH_NEW_BASELINE:-0}" = 1 ]; }; then
  "$bench" baseline save "$name" "$out" --dir "$state/baselines"
fi
exit "$code"
