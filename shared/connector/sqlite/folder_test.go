package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// TestNewDestination_Folder: the folder of a relative path is made, inside the project only.
func TestNewDestination_Folder(t *testing.T) {
	base, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(base, "link")); err != nil {
		t.Fatal(err)
	}
	for path, made := range map[string]string{
		"out/deep/x.db":  filepath.Join(base, "out", "deep"),
		"link/new/x.db":  "",
		"../beside/x.db": "",
	} {
		d, err := newDestination(connector.Config{Dir: base, Values: setting.Of(map[string]any{"path": path})})
		if (err == nil) != (made != "") {
			t.Errorf("%s: %v", path, err)
		}
		if err == nil {
			_ = d.Close()
			if _, err := os.Stat(made); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("made outside: %v, %v", left, err)
	}
}
