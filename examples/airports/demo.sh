#!/bin/sh
# Moves two days of airport data into a local database: day one, the same again, day two. Run it from the repository root; it can be
# run again at any time, and begins with an empty database each time.
set -eu

example=examples/airports
lockstep=${LOCKSTEP:-$(pwd)/bin/lockstep}
jobs="runways runways-plain reference countries"

say() { printf '\n== %s\n\n' "$*"; }
run() {
	for job in $jobs; do
		(cd "$example" && DAY=$1 "$lockstep" run "$job" --no-progress)
	done
}
show() { go run "./$example/show" "$@" "$example/out/airports.db"; }

[ -d "$example" ] || { echo "run this from the root of the repository" >&2; exit 2; }
[ -x "$lockstep" ] || { mkdir -p bin && go build -o bin/lockstep ./cmd/lockstep; }
rm -rf "$example/out" "$example/.lockstep"

say "day one, 2026-07-23: everything is new"
run 2026-07-23
say "what is in the database"
show -keep "$example/out/day-one.db"

say "the same day again: nothing is read"
run 2026-07-23

say "day two, 2026-08-22: only what changed is written"
run 2026-08-22
say "what changed in the database"
show -since "$example/out/day-one.db"

say "records that broke a rule"
(cd "$example" && "$lockstep" failures list --count)
