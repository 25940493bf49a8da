// Package sqlite reads tables and views of a SQLite database, and writes tables, exactly once: rows, receipt and fence are one
// transaction. It is one file on a local disk; it is no server and is not meant for network file systems. Mains put its Spec into the
// registry; nobody else imports it.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// The keys of the configuration.
const (
	pathKey        = "path"
	busyTimeoutKey = "busy_timeout"
)

// config is what a user writes.
type config struct {
	Path        string `json:"path"`
	BusyTimeout int64  `json:"busy_timeout"` // ms
}

// Spec declares the connector.
func Spec() connector.Spec {
	return connector.Spec{
		Spec: setting.Spec{
			Name:    "sqlite",
			Summary: "Tables and views of a SQLite database file.",
			Doc: "Reads every table and view, or those named as streams, without locking writers out. Writes with rows, receipt and fence in one " +
				"transaction, so that each record arrives exactly once. The database is put into WAL mode when it is written.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: pathKey, Kind: setting.String, Syntax: setting.Path, Required: true, Example: "data/shop.db",
					Doc: "The database file. A relative path begins in the project's folder and must stay inside; an absolute one is taken as it is. A destination makes the file when there is none."},
				{Name: busyTimeoutKey, Kind: setting.Int, Unit: "ms", Default: int64(5000), Min: setting.Bound(0), Max: setting.Bound(600_000),
					Doc: "How long to wait while another connection has the database locked; 0 gives up at once."},
			}},
			Example: "connector: sqlite\nconfig:\n  path: data/shop.db\n",
			Since:   "0.1.0",
		},
		Source:        func(_ context.Context, c connector.Config) (connector.Source, error) { return newSource(c) },
		Destination:   func(_ context.Context, c connector.Config) (connector.Destination, error) { return newDestination(c) },
		Modes:         []job.WriteMode{job.Append, job.Upsert, job.Replace, job.TruncateInsert},
		DeleteMissing: true,
		Backup:        true,
		Remote: func(setting.Values) fault.Problems {
			return fault.Problems{{Path: pathKey, Code: "local_place", Message: "a SQLite database is a file on this machine, and functions on AWS have no disk that stays",
				Hint: "use the connector file with a folder in S3, as in s3://my-bucket/orders/"}}
		},
		Guarantee: func(setting.Values, job.Write) connector.Guarantee {
			return connector.Guarantee{
				Level: connector.ExactlyOnce, Receipts: true, Fenced: true,
				Why: "the rows, the receipt of the batch and the writer's fence are one SQLite transaction",
			}
		},
	}
}

// database is one file, opened when it is first used.
type database struct {
	file   string // absolute
	shown  string // as the user wrote it
	busyMS int64
	db     *sql.DB
}

// newDatabase names a database without opening it. access is SQLite's mode: ro or rwc.
func newDatabase(c connector.Config, access string, pragmas ...string) (*database, error) {
	cfg := config{BusyTimeout: 5000}
	if err := c.Values.Decode(&cfg); err != nil {
		return nil, fault.New(fault.ConfigInvalid, "settings of sqlite: %w", err)
	}
	file, err := locate(c.Dir, cfg.Path)
	if err != nil {
		return nil, err
	}
	query := url.Values{"mode": {access}, "_pragma": append([]string{fmt.Sprintf("busy_timeout(%d)", cfg.BusyTimeout)}, pragmas...)}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(file), RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", cfg.Path, err)
	}
	return &database{file: file, shown: cfg.Path, busyMS: cfg.BusyTimeout, db: db}, nil
}

// locate turns the configured path into an absolute one. A relative path must not leave dir, by its name or by a symbolic link.
func locate(dir, path string) (string, error) {
	if path == "" || strings.ContainsRune(path, 0) {
		return "", fault.New(fault.ConfigInvalid, "path must name a database file")
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	outside := fault.New(fault.ConfigInvalid, "path %s leaves the project's folder", path).WithHint("move the file into the project, or write an absolute path")
	if !filepath.IsLocal(path) {
		return "", outside
	}
	base, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the project's folder: %w", err)
	}
	if base, err = filepath.EvalSymlinks(base); err != nil {
		return "", fault.New(fault.NotFound, "the project's folder %s cannot be opened: %w", dir, err)
	}
	file := filepath.Join(base, path)
	real, err := resolve(file)
	if err != nil {
		return "", fault.New(fault.NotFound, "path %s cannot be opened: %w", path, err)
	}
	if rel, err := filepath.Rel(base, real); err != nil || !filepath.IsLocal(rel) {
		return "", outside
	}
	return real, nil
}

// resolve follows the links of a file, or of the folder that it would be made in.
func resolve(file string) (string, error) {
	real, err := filepath.EvalSymlinks(file)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if _, err := os.Lstat(file); err == nil { // a link to nothing: where it points must be judged
		target, err := os.Readlink(file)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(file), target)
		}
		return filepath.Clean(target), nil
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(file))
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, filepath.Base(file)), nil
}

// exists says whether the file is there.
func (d *database) exists() (bool, error) {
	info, err := os.Stat(d.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, fs.ErrPermission):
		return false, fault.New(fault.AuthDenied, "%s cannot be opened: %w", d.shown, err)
	case err != nil:
		return false, fault.New(fault.Transient, "%s cannot be opened: %w", d.shown, err)
	case info.IsDir():
		return false, fault.New(fault.ConfigInvalid, "%s is a folder, not a database file", d.shown)
	}
	return true, nil
}

// conn takes a connection; give it back with Close.
func (d *database) conn(ctx context.Context) (*sql.Conn, error) {
	c, err := d.db.Conn(ctx)
	if err != nil {
		return nil, d.fault(ctx, "open", err)
	}
	return c, nil
}

// quote makes any text an identifier.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// quoteAll gives the names as a list of identifiers.
func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return strings.Join(quoted, ", ")
}

// fold gives the form in which SQLite compares names: ASCII letters only are the same in both cases.
func fold(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
