package load_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/step/load"
)

func TestSnapshot(t *testing.T) {
	long := strings.Repeat("x", load.SnapshotBytes)
	wide := "{"
	for i := range 400 {
		wide += fmt.Sprintf(`"column %d":"value %d",`, i, i)
	}
	wide += `"id":7}`
	for name, c := range map[string]struct {
		object string
		mask   []string
		want   string
		whole  bool
	}{
		"none":            {"", nil, "", true},
		"small":           {`{"id":1,"b":"x"}`, nil, `{"id":1,"b":"x"}`, true},
		"masked":          {`{"id":1,"b":{"c":[1,2]}}`, []string{"b"}, `{"id":1,"b":"***"}`, true},
		"masked fits":     {`{"id":1,"b":"` + long + `"}`, []string{"b"}, `{"id":1,"b":"***"}`, true},
		"key comes first": {`{"b":"` + long + `","id":1}`, nil, `{"id":1,"__truncated__":true}`, false},
		"nothing fits":    {`{"b":"` + long + `"}`, nil, `{"__truncated__":true}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, whole, err := load.Snapshot(json.RawMessage(c.object), []string{"id"}, c.mask)
			if err != nil || string(got) != c.want || whole != c.whole {
				t.Errorf("got %s, %v, %v; want %s, %v", got, whole, err, c.want, c.whole)
			}
		})
	}
	got, whole, err := load.Snapshot(json.RawMessage(wide), []string{"id"}, nil)
	if err != nil || whole || len(got) > load.SnapshotBytes || len(got) < load.SnapshotBytes*9/10 || !json.Valid(got) {
		t.Errorf("%d bytes, whole %v, %v", len(got), whole, err)
	}
	if !strings.HasPrefix(string(got), `{"id":7,"column 0":"value 0","column 1"`) {
		t.Errorf("begins with %.60s", got)
	}
}
