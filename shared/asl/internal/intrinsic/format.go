package intrinsic

//lint:file-ignore ST1005 messages are the service's words

import (
	"errors"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// What a template may be wrong about, in the service's words.
var (
	errNotClosed = errors.New("Invalid template in States.Format: matching '}' not found for '{'.")
	errNotOpened = errors.New("Invalid template in States.Format: matching '{' not found for '}'.")
	errHoles     = errors.New("Invalid arguments in States.Format: number of arguments do not match the occurrences of {}.")
)

// format puts the arguments into the holes {} of the template.
func format(a *arguments) (any, error) {
	template, err := a.text(0)
	if err != nil {
		return nil, err
	}
	escapes := `{}`
	if first := a.of.args[0]; first.call == nil && first.path == nil {
		template, escapes = first.written, `'\{}`
	}
	var b strings.Builder
	next := 1
	for i := 0; i < len(template); i++ {
		c := template[i]
		switch {
		case c == '\\' && i+1 < len(template) && strings.IndexByte(escapes, template[i+1]) >= 0:
			i++
			b.WriteByte(template[i])
		case c == '{' && !strings.HasPrefix(template[i:], "{}"):
			return nil, errNotClosed
		case c == '}':
			return nil, errNotOpened
		case c == '{' && next == len(a.values):
			return nil, errHoles
		case c == '{':
			text, err := a.shown(next)
			if err != nil {
				return nil, err
			}
			b.WriteString(text)
			next++
			i++
		default:
			b.WriteByte(c)
		}
	}
	if next != len(a.values) {
		return nil, errHoles
	}
	return b.String(), nil
}

// shown writes an argument as States.Format does: not as JSON, but for what States.StringToJson read.
func (a *arguments) shown(i int) (string, error) {
	if call := a.of.args[i].call; call != nil && call.function.name == "States.StringToJson" {
		b, err := jsonata.Encode(a.values[i])
		return string(b), err
	}
	return jsonpath.Text(a.values[i]), nil
}
