package blob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// leftover is the name of a file that was being written when its process ended.
var leftover = regexp.MustCompile(`\.[0-9a-f]{16}\.tmp$`)

// createFile is Create in a folder. The driver looks whether there is a file and then renames its own onto it, so that of two
// writers both would succeed; a hard link is made for one only, whichever process asks. Where the file system has no hard links the
// driver's way remains.
func (b *Bucket) createFile(ctx context.Context, key string, data []byte) (bool, error) {
	for part := range strings.SplitSeq(key, "/") {
		if part == "." || part == ".." {
			return false, fault.New(fault.Internal, "write object %s: a folder cannot hold such a key", key)
		}
	}
	if there, err := b.Exists(ctx, key); err != nil || there {
		return false, err
	}
	writing, discard := context.WithCancel(ctx)
	defer discard()
	var file *os.File
	w, err := b.b.NewWriter(writing, key, &blob.WriterOptions{
		IfNotExist:                  true,
		DisableContentTypeDetection: true,
		BeforeWrite: func(as func(any) bool) error {
			if !as(&file) {
				return errors.New("the driver's writer is not a file")
			}
			return nil
		},
	})
	if err != nil {
		return false, classify(err, "write object", key)
	}
	if _, err = w.Write(data); err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = os.Link(file.Name(), leftover.ReplaceAllString(file.Name(), ""))
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
			err = w.Close()
		}
	}
	discard() // the driver removes its file instead of renaming it
	_ = w.Close()
	if errors.Is(err, fs.ErrExist) || gcerrors.Code(err) == gcerrors.FailedPrecondition {
		if there, err := b.Exists(ctx, key); err == nil && !there {
			return false, fault.New(fault.ConfigInvalid, "write object %s: a folder has its name", key)
		}
		return false, nil
	}
	return err == nil, classify(err, "write object", key)
}

// codeOfFile gives the code of an error of the file system; what it does not know may pass.
func codeOfFile(err error) fault.Code {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.AuthDenied
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.QuotaExceeded
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, errors.ErrUnsupported):
		return fault.ConfigInvalid
	}
	return fault.Transient
}
