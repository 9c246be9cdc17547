#!/bin/sh
# The main job on the sample log, each step shown with its command line: make demo
set -eu
cd "$(dirname "$0")/.."
export PMLCLI_NO_PROGRESS=1
OUT=demo-output
mkdir -p "$OUT"

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

run pmlcli train sample_logs/purchase-to-pay.csv -a anomaly/isolation-forest -o "$OUT/p2p-anomalies" --force
run pmlcli predict "$OUT/p2p-anomalies" sample_logs/purchase-to-pay-new.csv -o "$OUT/scores.csv" --force
printf '\n$ head -4 %s\n' "$OUT/scores.csv"
head -4 "$OUT/scores.csv"
run pmlcli inspect "$OUT/p2p-anomalies"
run pmlcli verify "$OUT/p2p-anomalies"

run pmlcli train sample_logs/purchase-to-pay.csv -a forecast/arima --kpi arrivals --horizon 14 -o "$OUT/p2p-arrivals" --force
run pmlcli predict "$OUT/p2p-arrivals"

run pmlcli train sample_logs/purchase-to-pay.csv -a next-activity/gru -o "$OUT/p2p-next" --force
run pmlcli predict "$OUT/p2p-next" sample_logs/purchase-to-pay-new.csv -o "$OUT/next.csv" --force
printf '\n$ head -4 %s\n' "$OUT/next.csv"
head -4 "$OUT/next.csv"
