package file

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func TestTarget_Classify(t *testing.T) {
	f := &target{shown: "x.csv"}
	for cause, want := range map[error]fault.Code{
		syscall.ENOSPC: fault.QuotaExceeded,
		syscall.EDQUOT: fault.QuotaExceeded,
		syscall.EROFS:  fault.AuthDenied,
		syscall.EACCES: fault.AuthDenied,
		syscall.EISDIR: fault.ConfigInvalid,
		syscall.ENOENT: fault.NotFound,
		syscall.EIO:    fault.Transient,
	} {
		err := f.classify(fmt.Errorf("open: %w", &fs.PathError{Op: "open", Path: "x", Err: cause}), "write", "x.csv")
		if fault.CodeOf(err) != want || !strings.HasPrefix(err.Error(), "write x.csv: ") {
			t.Errorf("%v: got %s: %v, want %s", cause, fault.CodeOf(err), err, want)
		}
	}
}

func TestByPlace(t *testing.T) {
	want := []string{"a.csv", "a.csv@0-9", "a.csv@9-80", "a.csv@80-800", "a.csv@800-9000", "a2.csv", "a10.csv", "b"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, byPlace)
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestShorten(t *testing.T) {
	long := strings.Repeat("ü/", 60)
	for in, same := range map[string]bool{"a/b.csv": true, strings.Repeat("x", 150): true, long: false, strings.Repeat("y", 300): false} {
		got := shorten(in)
		if (got == in) != same || len(got) > 150 {
			t.Errorf("shorten(%s) = %s", in, got)
		}
	}
	if shorten(long+"a") == shorten(long+"b") {
		t.Error("two ids are the same")
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		set  map[string]any
		want string
	}{
		"fine":          {map[string]any{"path": "a/{stream}.csv.gz"}, ""},
		"references":    {map[string]any{"path": "${DIR}/a", "delimiter": "${D}"}, ""},
		"outside":       {map[string]any{"path": "a/../../b.csv"}, "outside"},
		"no format":     {map[string]any{"path": "a/b.txt"}, "missing"},
		"folder":        {map[string]any{"path": "a/"}, "missing"},
		"two bytes":     {map[string]any{"path": "a.csv", "delimiter": "ü"}, "bad_character"},
		"same":          {map[string]any{"path": "a.csv", "delimiter": ";", "quote": ";"}, "contradiction"},
		"doubled quote": {map[string]any{"path": "a.csv", "quote": "'", "escape": "'"}, ""},
		"names twice":   {map[string]any{"path": "a.csv", "header": false, "columns_in_order": []any{"a", "a"}}, "bad_column"},
		"names and not": {map[string]any{"path": "a.csv", "header": true, "columns_in_order": []any{"a"}}, "contradiction"},
		"encoding":      {map[string]any{"path": "a.csv", "encoding": "klingon"}, "unknown_value"},
		"too large":     {map[string]any{"path": "a.csv", "max_record": "1GiB"}, "out_of_range"},
	} {
		t.Run(name, func(t *testing.T) {
			codes := ""
			for _, p := range check(setting.Of(c.set)) {
				codes += p.Code
			}
			if codes != c.want {
				t.Errorf("got %q, want %q", codes, c.want)
			}
		})
	}
}
