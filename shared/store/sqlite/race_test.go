//go:build race

package sqlite_test

// schedules is how many random schedules run; the race detector makes SQLite several times slower.
const schedules = 6

// histories is how many are checked for being linearizable.
const histories = 10
