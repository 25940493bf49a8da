package file

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/csv"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// The formats.
const (
	formatCSV    = "csv"
	formatNDJSON = "ndjson"
	formatJSON   = "json"
)

// streamMark stands for the stream's name in a path.
const streamMark = "{stream}"

// maxRecordLimit bounds max_record, in bytes.
const maxRecordLimit = 256 << 20

// config is the settings as decoded; names are those of the keys.
type config struct {
	Path        string   `json:"path"`
	Format      string   `json:"format"`
	Compression string   `json:"compression"`
	Delimiter   string   `json:"delimiter"`
	Quote       string   `json:"quote"`
	Escape      string   `json:"escape"`
	Comment     string   `json:"comment"`
	Header      bool     `json:"header"`
	Columns     []string `json:"columns_in_order"`
	Encoding    string   `json:"encoding"`
	Null        []string `json:"null_values"`
	QuotedNull  bool     `json:"quoted_null"`
	Trim        bool     `json:"trim"`
	Lazy        bool     `json:"lazy_quotes"`
	MaxRecord   string   `json:"max_record"`
	Sample      int64    `json:"sample"`
	Split       string   `json:"split"`
	Records     string   `json:"records"`
	NullText    string   `json:"null_text"`
	LineEnd     string   `json:"line_end"`

	maxRecord int
	split     int64
}

// decode reads settings that are resolved and checked.
func decode(v setting.Values) (config, error) {
	var c config
	if err := v.Decode(&c); err != nil {
		return config{}, fault.New(fault.ConfigInvalid, "file: %w", err)
	}
	if err := check(v).Err(); err != nil {
		return config{}, err
	}
	limit, err := setting.ParseBytes(c.MaxRecord)
	if err != nil {
		return config{}, err
	}
	c.maxRecord = int(limit)
	if c.split, err = setting.ParseBytes(c.Split); err != nil {
		return config{}, err
	}
	if c.Format == "" {
		c.Format = formatOf(c.Path)
	}
	if c.Delimiter == "" {
		c.Delimiter = ","
		if strings.HasSuffix(input.Bare(c.Path), ".tsv") {
			c.Delimiter = `\t`
		}
	}
	return c, nil
}

// formatOf gives the format by a file's ending, or "".
func formatOf(name string) string {
	switch path.Ext(input.Bare(name)) {
	case ".csv", ".tsv":
		return formatCSV
	case ".ndjson", ".jsonl":
		return formatNDJSON
	case ".json":
		return formatJSON
	}
	return ""
}

// dialect gives how CSV is written.
func (c config) dialect() csv.Dialect {
	d := csv.Dialect{Comma: one(c.Delimiter), Quote: one(c.Quote), Escape: one(c.Escape), Comment: one(c.Comment),
		Trim: c.Trim, Lazy: c.Lazy, MaxRecord: c.maxRecord}
	if d.Escape == 0 {
		d.Escape = d.Quote
	}
	return d
}

func (c config) form() input.Form {
	return input.Form{Compression: c.Compression, Encoding: c.Encoding}
}

// one gives the byte that a setting of one character means, 0 when it is empty.
func one(s string) byte {
	switch {
	case s == "":
		return 0
	case s == `\t`:
		return '\t'
	}
	return s[0]
}

// check finds what the declarations cannot say. Texts that hold references are looked at when they are resolved.
func check(v setting.Values) fault.Problems {
	m, ok := v.Raw().(map[string]any)
	if !ok {
		return nil
	}
	c := checker{m: m}
	c.path()
	c.characters()
	c.columns()
	c.sizes()
	if s, ok := c.text(keyEncoding); ok {
		if err := input.CheckEncoding(s); err != nil {
			c.add(keyEncoding, "unknown_value", fault.Hint(err), "%q is not an encoding that is known", s)
		}
	}
	return c.problems
}

type checker struct {
	m        map[string]any
	problems fault.Problems
}

func (c *checker) add(key, code, hint, format string, args ...any) {
	c.problems = append(c.problems, fault.Problem{Path: key, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// text gives a setting that is a text without references; false when it is not set.
func (c *checker) text(key string) (string, bool) {
	s, ok := c.m[key].(string)
	return s, ok && !setting.IsReference(s)
}

func (c *checker) path() {
	p, ok := c.text(keyPath)
	if !ok {
		return
	}
	if p == "" {
		c.add(keyPath, "empty", "", "path must not be empty")
		return
	}
	if _, local, err := input.Local(p); err != nil {
		c.add(keyPath, "bad_place", fault.Hint(err), "%s names no folder of this machine", p)
	} else if !local {
		c.bucket(p)
	}
	if !strings.Contains(p, "://") && !path.IsAbs(p) && slices.Contains(strings.Split(p, "/"), "..") {
		c.add(keyPath, "outside", "put the file below the project, or write its absolute path", "%s leads outside of the project's folder", p)
	}
	format, given := c.m[keyFormat].(string)
	if !given || format == "" {
		if format = formatOf(p); format == "" && !strings.HasSuffix(p, "/") {
			c.add(keyFormat, "missing", "set format: csv, ndjson or json", "the format cannot be told from the ending of %s", p)
		} else if format == "" {
			c.add(keyFormat, "missing", "set format: csv or ndjson", "a folder needs a format")
		}
	}
}

// bucket looks at a path in a bucket. What ends in a slash is a destination's folder.
func (c *checker) bucket(p string) {
	var e *fault.Error
	if _, _, err := input.SplitURL(strings.TrimSuffix(p, "/")); errors.As(err, &e) {
		c.add(keyPath, "bad_place", e.Hint, "%s", e.Message)
	}
}

// checkScheme says whether a bucket's scheme is known.
func checkScheme(openers blob.Openers, v setting.Values) fault.Problems {
	c := checker{}
	c.m, _ = v.Raw().(map[string]any)
	p, ok := c.text(keyPath)
	scheme, _, isURL := strings.Cut(p, "://")
	if ok && isURL && scheme != "file" && openers[scheme] == nil {
		c.add(keyPath, "unknown_place", "write a path, or a URL that begins with one of: "+strings.Join(openers.Schemes(), ", "), "files of %s:// are not known", scheme)
	}
	return c.problems
}

// remote says that a path of this machine is not there in a function.
func remote(v setting.Values) fault.Problems {
	c := checker{}
	c.m, _ = v.Raw().(map[string]any)
	if p, ok := c.text(keyPath); ok && p != "" && !setting.IsReference(p) && !strings.HasPrefix(p, "s3://") {
		c.add(keyPath, "local_place", "use an S3 bucket, as in s3://my-bucket/"+strings.TrimLeft(p[strings.LastIndex(p, "://")+1:], ":/"), "%s is on this machine, and functions on AWS have no disk that stays", p)
	}
	return c.problems
}

// checkWrite says why a destination cannot be written as it is set up.
func checkWrite(v setting.Values, _ job.Write) fault.Problems {
	c := checker{}
	c.m, _ = v.Raw().(map[string]any)
	p, ok := c.text(keyPath)
	if !ok || p == "" {
		return nil
	}
	if _, local, err := input.Local(p); err == nil && !local && !strings.HasSuffix(p, "/") {
		c.add(keyPath, "unsupported", inBucket, "%s is a single file in a bucket, and objects cannot grow", p)
	}
	return c.problems
}

// inBucket is the hint for a single file in a bucket.
const inBucket = "end the path in / to write a folder of parts with a manifest"

func (c *checker) characters() {
	seen := map[byte]string{}
	for _, key := range []string{keyDelimiter, keyQuote, keyEscape, keyComment} {
		s, ok := c.text(key)
		if !ok || s == "" {
			continue
		}
		b := one(s)
		if s != `\t` && (len(s) != 1 || b < ' ' && b != '\t' || b > '~') {
			c.add(key, "bad_character", `write one ASCII character, or \t`, "%q is not one character", s)
			continue
		}
		if other, twice := seen[b]; twice && (key != keyEscape || other != keyQuote) {
			c.add(key, "contradiction", "give one of them another character", "%s and %s are the same character", other, key)
		}
		seen[b] = key
	}
}

func (c *checker) columns() {
	names, _ := c.m[keyColumns].([]any)
	if header, _ := c.m[keyHeader].(bool); header && len(names) > 0 {
		c.add(keyColumns, "contradiction", "set header: false, or leave columns_in_order out", "the names are in the header")
	}
	seen := map[any]bool{}
	for _, n := range names {
		name, _ := n.(string)
		if record.Reserved(name) {
			c.add(keyColumns, "bad_column", "give the column another name", "the name %q is kept for Lockstep's own use", name)
		}
		if seen[n] || n == "" {
			c.add(keyColumns, "bad_column", "each name must be there once", "the name %q is empty or comes twice", n)
		}
		seen[n] = true
	}
}

func (c *checker) sizes() {
	if s, ok := c.text(keyMaxRecord); ok {
		if n, err := setting.ParseBytes(s); err == nil && (n < 16 || n > maxRecordLimit) {
			c.add(keyMaxRecord, "out_of_range", "", "%s is out of range: 16 bytes to 256MiB", s)
		}
	}
	if s, ok := c.text(keySplit); ok {
		if n, err := setting.ParseBytes(s); err == nil && n < 1 {
			c.add(keySplit, "out_of_range", "", "split must be at least 1 byte")
		}
	}
}
