//go:build race

package dynamo_test

// schedules is how many schedules are played through the client; the race detector makes it ten times slower.
const schedules = 30
