#!/bin/sh
# Three questions about the sample log, each step shown with its command line: make demo
set -eu
cd "$(dirname "$0")/.."
export PMLCLI_NO_PROGRESS=1
LOG=sample_logs/purchase-to-pay.csv
NEW=sample_logs/purchase-to-pay-new.csv
OUT=demo-output
mkdir -p "$OUT"

question() {
    printf '\n\n== %s\n' "$*"
}

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

question "Which cases are odd, and why?"
run pmlcli train "$LOG" -t anomaly -o "$OUT/odd" --force
run pmlcli predict "$OUT/odd" "$LOG" --top 5

question "Which of the new cases will take longer than 60 days?"
run pmlcli train "$LOG" -t remaining-time -o "$OUT/late" --force
run pmlcli predict "$OUT/late" "$NEW" --sla 60d --top 5

question "How many cases will come in each of the next four weeks?"
run pmlcli train "$LOG" -t forecast --kpi arrivals --frequency W --horizon 4 -o "$OUT/arrivals" --force
run pmlcli predict "$OUT/arrivals"

question "All of it on one page"
run pmlcli report "$OUT/odd" "$OUT/late" "$OUT/arrivals" "$LOG" -o "$OUT/report.html" --force
printf '\nopen %s in a browser\n' "$OUT/report.html"
