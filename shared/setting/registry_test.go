package setting_test

import (
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func TestLookup(t *testing.T) {
	self := func(s string) string { return s }
	m := setting.ByName("fruit", self, []string{"apple", "pear"})
	if s, err := setting.Lookup("fruit", m, "pear"); s != "pear" || err != nil {
		t.Errorf("got %q, %v", s, err)
	}
	for name, want := range map[string]string{
		"aple":   `NotFound: there is no fruit "aple" (did you mean apple?)`,
		"zzzzzz": `NotFound: there is no fruit "zzzzzz" (known fruits: apple, pear)`,
	} {
		_, err := setting.Lookup("fruit", m, name)
		if got := string(fault.CodeOf(err)) + ": " + err.Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	defer func() {
		if recover() != "fruit registered twice: fig" {
			t.Error("a name that comes twice does not panic")
		}
	}()
	setting.ByName("fruit", self, []string{"fig", "fig"})
}
