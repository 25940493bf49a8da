// Package file reads and writes files: CSV, NDJSON and JSON arrays, plain or compressed, in the project's folder, at an absolute path,
// or in a bucket. As a source it finds column types by looking at the values, cuts large files into byte ranges at record borders,
// and tells by content whether anything changed. As a destination it appends, or replaces a file as a whole. Positions of
// incremental streams and the layout of written folders are described at their types.
package file

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// The names of the settings.
const (
	keyPath        = "path"
	keyFormat      = "format"
	keyCompression = "compression"
	keyDelimiter   = "delimiter"
	keyQuote       = "quote"
	keyEscape      = "escape"
	keyComment     = "comment"
	keyHeader      = "header"
	keyColumns     = "columns_in_order"
	keyEncoding    = "encoding"
	keyNull        = "null_values"
	keyQuotedNull  = "quoted_null"
	keyTrim        = "trim"
	keyLazy        = "lazy_quotes"
	keyMaxRecord   = "max_record"
	keySample      = "sample"
	keySplit       = "split"
	keyRecords     = "records"
	keyNullText    = "null_text"
	keyLineEnd     = "line_end"
)

// Spec declares the connector. Openers are the buckets that it knows by their schemes; file:// and paths are the file system in any case.
func Spec(openers blob.Openers) connector.Spec {
	return connector.Spec{
		Spec: setting.Spec{
			Name:    "file",
			Summary: "Reads and writes CSV, NDJSON and JSON files.",
			Doc:     doc,
			Body:    setting.Field{Kind: setting.Object, Fields: append(commonFields(), append(sourceFields(), destinationFields()...)...)},
			Example: "connector: file\nconfig: {path: \"data/{stream}.csv.gz\"}\n",
			Since:   "0.1.0",
		},
		Source: func(ctx context.Context, c connector.Config) (connector.Source, error) {
			return openSource(ctx, openers, c)
		},
		Destination: func(ctx context.Context, c connector.Config) (connector.Destination, error) {
			return openDestination(ctx, openers, c)
		},
		Modes:      []job.WriteMode{job.Append, job.Replace, job.TruncateInsert},
		Backup:     true,
		Guarantee:  guarantee,
		Check:      func(v setting.Values) fault.Problems { return append(check(v), checkScheme(openers, v)...) },
		CheckWrite: checkWrite,
		Remote:     remote,
	}
}

const doc = "As a source: `path` may be a glob, and `{stream}` in it stands for the stream's name, so that " +
	"`data/{stream}.csv.gz` offers one stream for each file. Column types are found by looking at the values; a value that later does " +
	"not fit its column is a failed record, and `columns` of the stream gives types by hand. In a CSV file an empty field without quotes is " +
	"null, and `\"\"` is the empty text.\n\n" +
	"A full stream is read again only when the content of its files changed. An incremental stream without a cursor continues behind the last " +
	"complete line of each file; with a cursor it continues behind the last value, and values must not go back within a file. A last line that has no end yet waits, with a warning, until it has one.\n\n" +
	"As a destination: a path that ends in `/` is a folder of part files with a manifest, any other path is one file. A single file that " +
	"is appended to keeps a receipt beside it (`<file>.lockstep.json`), so that a batch that is loaded twice is in it once. replace writes " +
	"parts beside the file and puts the whole in its place at the end of the run.\n\n" +
	"In a bucket a destination is always a folder: objects cannot grow. A part is an object that is made once, its name ends in the hash of its " +
	"content, and it counts when `manifest.json` names it; the manifest is replaced only when it is still the one that was read, so no lock is needed. " +
	"Readers take the files that the manifest names, in its order; other objects were left by runs that died, and the next run with replace removes them. " +
	"Schemes: `s3://` is Amazon S3, or what speaks its language and knows If-None-Match and If-Match, with the credentials, the Region and the endpoint that AWS's own " +
	"settings name (`AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL_S3`); it wants s3:GetObject, s3:PutObject and s3:DeleteObject on the objects and s3:ListBucket on the bucket. " +
	"So `path: s3://my-bucket/in/*.csv.gz` reads and `path: s3://my-bucket/out/{stream}/` writes. A build for a laptop alone does not know it. " +
	"`mem://` is memory, shared by name within the process, for tests; a command may be built with others."

func commonFields() []setting.Field {
	return []setting.Field{
		{Name: keyPath, Kind: setting.String, Syntax: setting.Path, Required: true, Example: "data/{stream}.csv.gz",
			Doc: "The file, relative to the project's folder or absolute. A source takes a glob (* ? [a-z]); file:///folder/glob is the same as /folder/glob; {stream} stands for the stream's name. A source also reads a bucket: s3://bucket/glob. A destination writes a folder when the path ends in /; in a bucket it must, as in s3://bucket/folder/."},
		{Name: keyFormat, Kind: setting.String, Options: []string{formatCSV, formatNDJSON, formatJSON},
			Doc: "Default: by the file's ending, .csv .tsv .ndjson .jsonl .json, with .gz or .zst behind it. json is one array of objects, source only."},
		{Name: keyCompression, Kind: setting.String, Options: []string{"auto", "none", "gzip", "zstd"}, Default: "auto", Doc: "auto goes by the file's ending: .gz, .zst or neither."},
		{Name: keyDelimiter, Kind: setting.String, Doc: `Between fields, one ASCII character; \t is the tabulator. Default: a comma, for .tsv a tabulator.`},
		{Name: keyHeader, Kind: setting.Bool, Default: true, Doc: "Whether the first record holds the column names."},
	}
}

func sourceFields() []setting.Field {
	return []setting.Field{
		{Name: keyQuote, Kind: setting.String, Default: `"`, Doc: "Around fields, one ASCII character; empty: there are no quotes. Source only."},
		{Name: keyEscape, Kind: setting.String, Doc: "Before a quote inside a quoted field, one ASCII character. Default: the quote is doubled. Source only."},
		{Name: keyComment, Kind: setting.String, Doc: "Lines that begin with this character are passed over. Default: none. Source only."},
		{Name: keyColumns, Kind: setting.List, Item: &setting.Field{Kind: setting.String, Syntax: setting.Column}, Doc: "The column names, for files without a header. Source only."},
		{Name: keyEncoding, Kind: setting.String, Default: "utf-8", Doc: "utf-8, utf-16 (both told by a byte order mark), utf-16le, utf-16be, latin1, windows-1252 or another name of the WHATWG standard. Source only."},
		{Name: keyNull, Kind: setting.List, Item: &setting.Field{Kind: setting.String}, Default: []any{""}, Doc: "CSV texts that stand for null, when they are not in quotes. NA and NO are nothing special. Source only."},
		{Name: keyQuotedNull, Kind: setting.Bool, Default: false, Doc: "Whether null_values are null in quotes too. Source only."},
		{Name: keyTrim, Kind: setting.Bool, Default: false, Doc: "Whether blanks around CSV fields do not count. Source only."},
		{Name: keyLazy, Kind: setting.Bool, Default: false, Doc: "Whether quotes inside CSV fields are taken as text. Source only."},
		{Name: keyMaxRecord, Kind: setting.String, Syntax: setting.Bytes, Default: "16MiB", Doc: "A longer record fails, and reading goes on behind it; at most 256MiB. Source only."},
		{Name: keySample, Kind: setting.Int, Unit: "records", Min: setting.Bound(0), Default: int64(0), Doc: "How many records at the beginning of each file are looked at to find types; behind them every 64th is. 0: all within the first 64 MiB. Source only."},
		{Name: keySplit, Kind: setting.String, Syntax: setting.Bytes, Default: "256MiB", Doc: "A larger uncompressed CSV or NDJSON file of a full stream is cut into partitions of about this size. Source only."},
		{Name: keyRecords, Kind: setting.String, Doc: "Where the array stands in a JSON file, as in data.items. Default: it is the whole file. Source only."},
	}
}

func destinationFields() []setting.Field {
	return []setting.Field{
		{Name: keyNullText, Kind: setting.String, Default: "", Doc: "What a null is in CSV, without quotes; texts that read the same are put in quotes. Destination only."},
		{Name: keyLineEnd, Kind: setting.String, Options: []string{"lf", "crlf"}, Default: "lf", Doc: "What ends a line. Destination only."},
	}
}
