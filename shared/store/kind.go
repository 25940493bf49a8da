package store

import (
	"context"
	"time"
)

// Kind is a kind of store that a URL opens. Mains hand the kinds that they know to whoever opens stores; there is no list of all of them.
type Kind struct {
	Scheme string // of the URLs: "dynamodb" for dynamodb://TABLE
	// Open opens the state at a URL. Clients are made here, not before. Errors: ConfigInvalid (the URL, or what it names), and those of Store.
	Open func(ctx context.Context, url string, now func() time.Time) (Store, error)
	// Create makes what the URL names and is not there yet, and says in a sentence what it did.
	Create func(ctx context.Context, url string) (string, error)
	// Probe tries out what the state needs of its place, and answers one finding for each.
	Probe func(ctx context.Context, url string) []Finding
}

// Finding is what a probe found.
type Finding struct {
	Name string // of what was tried, one word
	Text string // what came of it, for people
	Hint string // what to do; may be empty
	Err  error  // the place does not keep what the state needs
	Warn bool   // it is not known, or it is less safe than it could be
}
