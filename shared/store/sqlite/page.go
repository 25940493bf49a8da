package sqlite

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Sizes of pages.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// selection builds the query of one page. A page's token holds the sort key of its last row, so that rows which come in between
// move no border.
type selection struct {
	list  string // what is listed; a token is good for this list only
	limit int
	desc  bool
	keys  []string
	where []string
	args  []any
	err   error
}

func newSelection(list string, limit int) *selection {
	if limit <= 0 {
		limit = defaultLimit
	}
	return &selection{list: list, limit: min(limit, maxLimit)}
}

// and adds a condition with ? for its arguments.
func (s *selection) and(condition string, args ...any) {
	s.where = append(s.where, condition)
	for _, a := range args {
		s.args = append(s.args, value(a))
	}
}

// equal adds column=v unless v is "".
func (s *selection) equal(column, v string) {
	if v != "" {
		s.and(column+"=?", v)
	}
}

// between adds since <= column < until, each unless it is zero.
func (s *selection) between(column string, since, until time.Time) {
	if !since.IsZero() {
		s.and(column+">=?", since)
	}
	if !until.IsZero() {
		s.and(column+"<?", until)
	}
}

// in adds column IN (…) unless there are no values.
func in[T ~string](s *selection, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = string(v)
	}
	s.and(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
}

// after sets the order and goes on behind the page that the token ended.
func (s *selection) after(token string, keys ...string) {
	s.keys = keys
	if token == "" {
		return
	}
	last, err := decodeToken(s.list, token, len(keys))
	if err != nil {
		s.err = err
		return
	}
	compare := " > "
	if s.desc {
		compare = " < "
	}
	s.and("("+strings.Join(keys, ", ")+")"+compare+"(?"+strings.Repeat(", ?", len(keys)-1)+")", last...)
}

// query completes "SELECT … FROM …"; it asks for one row more than the page has, to see whether there is another page.
func (s *selection) query(from string) (query, error) {
	text := from
	if len(s.where) > 0 {
		text += " WHERE " + strings.Join(s.where, " AND ")
	}
	text += s.order("")
	return query{sql: fmt.Sprintf("%s LIMIT %d", text, s.limit+1), args: s.args}, s.err
}

// order gives the ORDER BY, with the prefix before each column.
func (s *selection) order(prefix string) string {
	direction := ""
	if s.desc {
		direction = " DESC"
	}
	keys := make([]string, len(s.keys))
	for i, k := range s.keys {
		keys[i] = prefix + k + direction
	}
	return " ORDER BY " + strings.Join(keys, ", ")
}

// cut takes the extra row away and gives the token for the next page, "" when there is none.
func cut[T any](s *selection, rows []T, key func(T) []any) ([]T, string) {
	if len(rows) <= s.limit {
		return rows, ""
	}
	rows = rows[:s.limit]
	return rows, encodeToken(s.list, key(rows[len(rows)-1]))
}

func encodeToken(list string, key []any) string {
	text, err := json.Marshal(append([]any{list}, key...))
	if err != nil {
		return "" // strings and numbers always marshal
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func decodeToken(list, token string, n int) ([]any, error) {
	bad := fault.New(fault.DataInvalid, "the page token is not one of this list").WithHint("begin again without a token")
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, bad
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var parts []any
	if err := d.Decode(&parts); err != nil || len(parts) != n+1 || parts[0] != list {
		return nil, bad
	}
	key := parts[1:]
	for i, v := range key {
		switch v := v.(type) {
		case string:
		case json.Number:
			number, err := v.Int64()
			if err != nil {
				return nil, bad
			}
			key[i] = number
		default:
			return nil, bad
		}
	}
	return key, nil
}
