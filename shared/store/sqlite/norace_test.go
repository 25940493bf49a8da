//go:build !race

package sqlite_test

// schedules is how many random schedules run.
const schedules = 60

// histories is how many are checked for being linearizable.
const histories = 200
