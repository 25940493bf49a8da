package sqlite

import (
	"bytes"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

// order is how a partition's rows follow each other, and so what a position is: the values of by, or, when counted is set, the
// number of rows before.
type order struct {
	by      []string // expressions
	where   string   // which rows belong to the partition; "" for all
	counted bool     // a view without a key: rows in the order of all their columns
}

// orderOf picks the order of a stream: the rowid, which is the order on disk, where there is one; else the primary key, else the
// stream's key. An incremental stream goes by its cursor first; what ties is decided by key and rowid.
func orderOf(t *table, s job.Stream, partition string) (order, error) {
	key := s.Key
	if len(key) == 0 || (s.Mode != job.Incremental && !t.view) {
		key = t.primaryKey()
	}
	quoted, err := t.quoted(key, "key")
	if err != nil {
		return order{}, err
	}
	if s.Mode != job.Incremental {
		switch {
		case t.rowid() != "":
			return order{by: []string{t.rowid()}}, nil
		case len(quoted) > 0:
			return order{by: quoted}, nil
		}
		all, err := t.quoted(t.names(), "column")
		return order{by: all, counted: true}, err
	}
	cursor, err := t.quoted([]string{s.Cursor}, "cursor")
	if err != nil {
		return order{}, err
	}
	if t.rowid() != "" && !t.rowidIs(key) {
		quoted = append(quoted, t.rowid())
	}
	if len(quoted) == 0 {
		return order{}, fault.New(fault.ConfigInvalid, "%s has no key, which rows with equal %s are told apart by", t.name, s.Cursor).WithHint("set key of the stream")
	}
	if partition == nullCursor {
		return order{by: quoted, where: cursor[0] + " IS NULL"}, nil
	}
	return order{by: append(cursor, quoted...), where: cursor[0] + " IS NOT NULL"}, nil
}

// quoted checks that the columns are there and quotes them; role says what they are to the user.
func (t *table) quoted(names []string, role string) ([]string, error) {
	out := make([]string, len(names))
	for i, n := range names {
		c, ok := t.column(n)
		if !ok {
			e := fault.New(fault.ConfigInvalid, "%s has no column %q, which is a %s of the stream", t.name, n, role)
			if near := fault.Nearest(n, t.names()); near != "" {
				e = e.WithHint("did you mean %s?", near)
			}
			return nil, e
		}
		out[i] = quote(c.name)
	}
	return out, nil
}

// rowidIs says whether the key is one column that stands for the rowid.
func (t *table) rowidIs(key []string) bool {
	if len(key) != 1 {
		return false
	}
	c, ok := t.column(key[0])
	return ok && c.pk == 1 && len(t.primaryKey()) == 1 && strings.EqualFold(c.declared, "INTEGER")
}

// query selects the columns, then the order's values, of the rows behind a position.
func (o order) query(t *table, columns []string, position string, limit int) (string, []any, error) {
	values, err := o.decode(position)
	if err != nil {
		return "", nil, err
	}
	selected := slices.Clone(columns)
	if !o.counted {
		for _, e := range o.by {
			selected = append(selected, "+"+e)
		}
	}
	var conditions []string
	var args []any
	if o.where != "" {
		conditions = append(conditions, o.where)
	}
	if len(values) > 0 && !o.counted {
		behind, more := o.behind(values)
		conditions, args = append(conditions, behind), more
	}
	text := "SELECT " + strings.Join(selected, ", ") + " FROM " + quote(t.name)
	if len(conditions) > 0 {
		text += " WHERE " + strings.Join(conditions, " AND ")
	}
	text += fmt.Sprintf(" ORDER BY %s LIMIT %d", strings.Join(o.by, ", "), limit)
	if o.counted && len(values) > 0 {
		text += fmt.Sprintf(" OFFSET %d", values[0])
	}
	return text, args, nil
}

// behind is the condition (a, b, …) > values. A null sorts before everything, and compares with nothing: a row value finds all rows
// behind values without nulls, and with a null among them each column gets a condition of its own.
func (o order) behind(values []any) (string, []any) {
	if !slices.Contains(values, nil) {
		return fmt.Sprintf("(%s) > (%s)", strings.Join(o.by, ", "), strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")), values
	}
	var either []string
	var args []any
	for i, v := range values {
		var all []string
		for j := range i {
			all, args = append(all, o.by[j]+" IS ?"), append(args, values[j])
		}
		if v == nil {
			all = append(all, o.by[i]+" IS NOT NULL")
		} else {
			all, args = append(all, o.by[i]+" > ?"), append(args, v)
		}
		either = append(either, strings.Join(all, " AND "))
	}
	return "(" + strings.Join(either, " OR ") + ")", args
}

// plain says whether positions are whole numbers, as those of rowids are.
func (o order) plain() bool {
	return o.counted || len(o.by) == 1 && slices.Contains([]string{"rowid", "_rowid_", "oid"}, o.by[0])
}

// maxPosition bounds a position in bytes, as record.Batch wants it.
const maxPosition = 512

// encode gives the position of a row: a JSON array with numbers, texts, null, and objects for what JSON
// cannot say exactly: {"b": base64} for blobs, {"f": bits} for floats, {"t": base64} for texts that are not UTF-8.
func encode(values []driver.Value) (string, error) {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
		switch x := v.(type) {
		case []byte:
			out[i] = map[string]string{"b": base64.StdEncoding.EncodeToString(x)}
		case float64:
			out[i] = map[string]string{"f": strconv.FormatUint(math.Float64bits(x), 16)}
		case string:
			if !utf8.ValidString(x) { // JSON would change it
				out[i] = map[string]string{"t": base64.StdEncoding.EncodeToString([]byte(x))}
			}
		}
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return "", fmt.Errorf("encode a position: %w", err)
	}
	p := strings.TrimSuffix(text.String(), "\n")
	if len(p) > maxPosition {
		return "", fault.New(fault.DataInvalid, "the key of a row has %d bytes as a position, at most %d are possible", len(p), maxPosition)
	}
	return p, nil
}

// decode reads a position back; "" gives no values.
func (o order) decode(position string) ([]any, error) {
	if position == "" {
		return nil, nil
	}
	bad := fault.New(fault.ConfigInvalid, "the position %q is not of this stream's order", position).WithHint("cursor or key changed: reset the stream")
	if o.plain() {
		n, err := strconv.ParseInt(position, 10, 64)
		if err != nil {
			return nil, bad
		}
		return []any{n}, nil
	}
	dec := json.NewDecoder(strings.NewReader(position))
	dec.UseNumber()
	var values []any
	if err := dec.Decode(&values); err != nil || len(values) != len(o.by) {
		return nil, bad
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, bad
	}
	for i, v := range values {
		var ok bool
		if values[i], ok = decoded(v); !ok {
			return nil, bad
		}
	}
	return values, nil
}

func decoded(v any) (any, bool) {
	switch x := v.(type) {
	case nil, string:
		return x, true
	case json.Number:
		n, err := x.Int64()
		return n, err == nil
	case map[string]any:
		if s, ok := x["b"].(string); ok {
			b, err := base64.StdEncoding.DecodeString(s)
			return b, err == nil
		}
		if s, ok := x["t"].(string); ok {
			b, err := base64.StdEncoding.DecodeString(s)
			return string(b), err == nil
		}
		if s, ok := x["f"].(string); ok {
			bits, err := strconv.ParseUint(s, 16, 64)
			return math.Float64frombits(bits), err == nil
		}
	}
	return nil, false
}

// position gives the position behind a row with these values of the order; before is the position of the row before it.
func (o order) position(values []driver.Value, before string) (string, error) {
	if o.counted {
		n, _ := strconv.ParseInt("0"+before, 10, 64)
		return strconv.FormatInt(n+1, 10), nil
	}
	if o.plain() {
		return strconv.FormatInt(values[0].(int64), 10), nil
	}
	return encode(values)
}
