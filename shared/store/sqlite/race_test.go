//go:build race

package sqlite_test

// schedules is how many random schedules run; the race detector makes SQLite several times slower.
const schedules = 6
