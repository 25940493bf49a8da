package file

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// Source reads files. See connector.Source.
type Source struct {
	c     config
	place input.Place
	glob  string // with streamMark
	log   *slog.Logger
	seen  memory
}

var _ connector.Source = (*Source)(nil)

func openSource(ctx context.Context, openers blob.Openers, cc connector.Config) (connector.Source, error) {
	c, err := decode(cc.Values)
	if err != nil {
		return nil, err
	}
	place, glob, err := input.OpenPlace(ctx, input.Root{Dir: cc.Dir, Openers: openers}, c.Path)
	if err != nil {
		return nil, err
	}
	return newSource(c, place, glob, cc.Log)
}

func newSource(c config, place input.Place, glob string, log *slog.Logger) (*Source, error) {
	if !c.Header && len(c.Columns) == 0 && c.Format == formatCSV {
		return nil, fault.New(fault.ConfigInvalid, "a CSV file without a header needs the names of its columns").WithHint("set columns_in_order: [a, b, …]")
	}
	if strings.HasSuffix(c.Path, "/") {
		return nil, fault.New(fault.ConfigInvalid, "path %s is a folder", c.Path).WithHint("write a glob: %s*", c.Path)
	}
	return &Source{c: c, place: place, glob: glob, log: log}, nil
}

// Streams lists a stream for each value that {stream} takes, or one named after the path.
func (s *Source) Streams(ctx context.Context) ([]connector.StreamInfo, error) {
	if !strings.Contains(s.glob, streamMark) {
		if _, err := s.files(ctx, ""); err != nil {
			return nil, err
		}
		return []connector.StreamInfo{{Name: baseName(s.glob)}}, nil
	}
	found, err := s.place.Glob(ctx, strings.ReplaceAll(s.glob, streamMark, "*"))
	if err != nil {
		return nil, err
	}
	form := streamForm(s.glob)
	names := map[string]bool{}
	for _, f := range found {
		if m := form.FindStringSubmatch(f.Name); m != nil && !slices.ContainsFunc(m[2:], func(x string) bool { return x != m[1] }) {
			names[m[1]] = true
		}
	}
	if len(names) == 0 {
		return nil, fault.New(fault.NotFound, "no file matches %s", s.c.Path)
	}
	var out []connector.StreamInfo
	for n := range names {
		out = append(out, connector.StreamInfo{Name: n})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// streamForm is the expression whose groups are what {stream} stands for in the names of files.
func streamForm(glob string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("^")
	for rest := glob; rest != ""; {
		switch {
		case strings.HasPrefix(rest, streamMark):
			b.WriteString("([^/]+?)")
			rest = rest[len(streamMark):]
			continue
		case rest[0] == '*':
			b.WriteString("[^/]*")
		case rest[0] == '?':
			b.WriteString("[^/]")
		case rest[0] == '[' && strings.IndexByte(rest, ']') > 0:
			end := strings.IndexByte(rest, ']') + 1
			b.WriteString(rest[:end])
			rest = rest[end:]
			continue
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
		}
		rest = rest[1:]
	}
	form, err := regexp.Compile(b.String() + "$")
	if err != nil { // a class that globs know and expressions do not
		return regexp.MustCompile("^$")
	}
	return form
}

// baseName names a stream after a glob: the file's name without endings and wildcards, else that of its folder.
func baseName(glob string) string {
	name, _, _ := strings.Cut(path.Base(glob), ".")
	name = strings.Trim(regexp.MustCompile(`[*?]|\[[^]]*\]`).ReplaceAllString(name, ""), "-_ ")
	if name != "" {
		return name
	}
	if dir := path.Base(strings.TrimSuffix(input.Fixed(glob), "/")); dir != "." && dir != "/" {
		return dir
	}
	return "files"
}

// files lists the files of a stream, by name.
func (s *Source) files(ctx context.Context, stream string) ([]input.Info, error) {
	glob := s.glob
	if strings.Contains(glob, streamMark) {
		if strings.Contains(stream, "/") {
			return nil, fault.New(fault.NotFound, "stream %q cannot be a part of a path", stream)
		}
		glob = strings.ReplaceAll(glob, streamMark, escapeGlob(stream))
	}
	found, err := s.place.Glob(ctx, glob)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		return found, nil
	}
	shown := strings.ReplaceAll(s.c.Path, streamMark, stream)
	err = fault.New(fault.NotFound, "there is no file %s", shown)
	if near := input.Nearest(ctx, s.place, glob); near != "" {
		return nil, err.(*fault.Error).WithHint("did you mean %s?", path.Join(path.Dir(shown), near))
	}
	return nil, err
}

func escapeGlob(s string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(s)
}

// folder is the part of the path that all files share.
func (s *Source) folder() string { return input.Fixed(strings.ReplaceAll(s.glob, streamMark, "*")) }

// Committed does nothing: files stay as they are.
func (s *Source) Committed(context.Context, connector.Partition, string) error { return nil }

// Ping says whether a file matches and can be read.
func (s *Source) Ping(ctx context.Context) error {
	found, err := s.place.Glob(ctx, strings.ReplaceAll(s.glob, streamMark, "*"))
	if err != nil {
		return err
	}
	if len(found) == 0 {
		_, err := s.files(ctx, "*")
		return err
	}
	r, err := s.place.Open(ctx, found[0].Name, 0)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	if _, err := io.ReadFull(r, make([]byte, min(1, found[0].Size))); err != nil {
		return fault.New(fault.Transient, "read %s: %w", found[0].Name, err)
	}
	return nil
}

// Close frees the place where the files lie.
func (s *Source) Close() error {
	if err := s.place.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
