//go:build !race

package dynamo_test

// schedules is how many schedules are played through the client.
const schedules = 500
