package blob

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
)

func TestClassify_File(t *testing.T) {
	for errno, want := range map[syscall.Errno]fault.Code{
		syscall.EACCES:       fault.AuthDenied,
		syscall.EPERM:        fault.AuthDenied,
		syscall.EROFS:        fault.AuthDenied,
		syscall.ENOSPC:       fault.QuotaExceeded,
		syscall.EDQUOT:       fault.QuotaExceeded,
		syscall.ENOTDIR:      fault.ConfigInvalid,
		syscall.EISDIR:       fault.ConfigInvalid,
		syscall.ENAMETOOLONG: fault.ConfigInvalid,
		syscall.EIO:          fault.Transient,
	} {
		err := classify(&fs.PathError{Op: "open", Path: "k", Err: errno}, "write object", "k")
		if !fault.Has(err, want) || !errors.Is(err, errno) {
			t.Errorf("%v: got %v (%s), want %s", errno, err, fault.CodeOf(err), want)
		}
		if hinted := fault.Hint(err) != ""; hinted != (want == fault.AuthDenied) {
			t.Errorf("%v: hint %t", errno, hinted)
		}
	}
	if classify(nil, "", "") != nil {
		t.Error("no error became one")
	}
}
