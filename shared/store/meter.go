package store

// Units is what a service bills for calls, in its own units of reading and writing.
type Units struct {
	Read  float64 `json:"read"`
	Write float64 `json:"write"`
}

// Add adds the other's units.
func (u *Units) Add(o Units) {
	u.Read += o.Read
	u.Write += o.Write
}

// Since gives what was spent after an earlier reading of the same meter.
func (u Units) Since(o Units) Units { return Units{Read: u.Read - o.Read, Write: u.Write - o.Write} }

// Metered is a store whose service bills calls. Stores that cost nothing a call do not implement it.
type Metered interface {
	// Spent is the sum over all calls of this store since it was opened, refused conditions included. It only grows.
	Spent() Units
}
