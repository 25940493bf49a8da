package infra_test

import (
	"regexp"
	"testing"

	"github.com/lockstep-data/lockstep/infra"
)

func TestStateTable_Safe(t *testing.T) {
	table := infra.StateTable()
	for name, ok := range map[string]bool{
		"on demand": table.OnDemand, "point in time recovery": table.PointInTime, "deletion protection": table.DeletionProtection,
		"one Region": table.SingleRegion, "encrypted by a key whose use is logged": table.Encryption == infra.AWSManaged, "time to live": table.TTL != "",
	} {
		if !ok {
			t.Errorf("not %s: %+v", name, table)
		}
	}
}

func TestStateTable_Names(t *testing.T) {
	table := infra.StateTable()
	form := regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`) // what DynamoDB takes
	names := []string{table.Name}
	keys := map[string]bool{table.PartitionKey: true, table.SortKey: true, table.TTL: true}
	want := 3
	for _, i := range table.Indexes {
		names = append(names, i.Name)
		keys[i.PartitionKey], keys[i.SortKey] = true, true
		want += 2
	}
	for _, n := range names {
		if !form.MatchString(n) {
			t.Errorf("%q is no name of a table or an index", n)
		}
	}
	if len(keys) != want {
		t.Errorf("keys %v: two of them have one name", keys)
	}
}
