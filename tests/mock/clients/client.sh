# curl as it comes: client.sh BASE_URL BODY
set -eu
ask() {
  curl -sS -o /dev/null -w '%{http_code} ' -H 'Authorization: Bearer sk_live_test' \
    -H 'Content-Type: application/json' "$@"
}
ask "$1/generate" --data "$2" -H 'Idempotency-Key: once' --http2
ask "$1/generate" --data "$2" -H 'Idempotency-Key: once' -H 'Expect: 100-continue'
printf %s "$2" | ask -X POST -T - "$1/generate"
ask "$1/generations?limit=1"
ask "$1/nothing"
ask --head "$1/generations"
