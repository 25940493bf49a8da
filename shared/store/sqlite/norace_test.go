//go:build !race

package sqlite_test

// schedules is how many random schedules run.
const schedules = 60
