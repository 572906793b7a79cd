#!/usr/bin/env bash
# Uploads a file with curl; any Node reads the JSON. CARREL_URL, CARREL_STUDY and CARREL_KEY say where to, and as whom.
#   CARREL_URL=https://carrel.example.org CARREL_STUDY=SD_DEM0DEM0 CARREL_KEY=crl_… ./upload.sh diary.txt text/plain
set -euo pipefail
path=$1 type=${2:-application/octet-stream}
study=$CARREL_URL/v1/studies/$CARREL_STUDY

# The key goes in by a pipe: an argument could be read by everybody on the machine.
call() {
  curl -sS --fail-with-body --retry 5 --retry-connrefused \
    -H @<(printf 'Authorization: Bearer %s\n' "$CARREL_KEY") -H 'Content-Type: application/json' "$@"
}
pick() { node -pe "const it = JSON.parse(require('fs').readFileSync(0)); $1"; }

# Begin. Sent again with the same Idempotency-Key, it begins nothing twice.
about=$(node -e '
  const { basename } = require("path")
  const [path, mediaType] = process.argv.slice(1)
  const { size } = require("fs").statSync(path)
  console.log(JSON.stringify({ name: basename(path), mediaType, size, upload: "single" }))
' "$path" "$type")
begun=$(call "$study/files" -H "Idempotency-Key: $(node -p 'crypto.randomUUID()')" -d "$about")

# Send the bytes to storage, with exactly the headers that were signed. 412: an earlier try has arrived.
status=$(pick 'Object.entries(it.upload.headers).map((pair) => pair.join(": ")).join("\n")' <<<"$begun" |
  curl -sS --retry 5 --retry-connrefused -o /dev/null -w '%{http_code}' -T "$path" -H @- "$(pick it.upload.url <<<"$begun")")
[[ $status == 200 || $status == 412 ]] || { echo "Storage answered $status." >&2; exit 1; }

# Complete: the service looks whether all of it is there. May be repeated.
call -X POST "$study/uploads/$(pick it.upload.id <<<"$begun")/complete" | pick '`${it.id} ${it.name} ${it.version.size}`'
