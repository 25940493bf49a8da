package asl

import (
	"errors"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/intrinsic"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// Path is a field of JSONPath that selects or places one value, as InputPath and ResultPath do. It is immutable.
type Path struct {
	field string // as in InputPath
	text  string
	null  bool // the field is null: the empty object, or for a ResultPath nothing
	path  *jsonpath.Path
	call  *intrinsic.Call // of the few fields that take an intrinsic function too
	bad   error           // the text could not be read
}

// String gives the text of the definition, "null" for a null.
func (p *Path) String() string {
	if p.null {
		return "null"
	}
	return p.text
}

// get gives what the path selects.
func (p *Path) get(in *data) (any, error) {
	if p.bad != nil {
		return nil, p.bad
	}
	if p.call != nil {
		return p.call.Eval(in)
	}
	return in.Path(p.path)
}

// isCall says whether a text calls an intrinsic function.
func isCall(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "States.") }

// read gives what a path selects; one that selects nothing is an error of the state.
func (v *visit) read(p *Path, root any) (any, error) {
	if p.null {
		return map[string]any{}, nil
	}
	value, err := p.get(&data{v, root})
	if err == nil {
		return value, nil
	}
	if errors.Is(err, jsonpath.ErrNotFound) {
		return nil, v.broken("Invalid path '%s' : %s", p.text, err)
	}
	return nil, v.broken("%s", err)
}

// effective gives what a state works on: its input, under JSONPath through InputPath (specification, "InputPath").
func (v *visit) effective() (any, error) {
	if v.state.InputPath == nil {
		return v.input, nil
	}
	return v.read(v.state.InputPath, v.input)
}

// place puts a result into the state's input (specification, "ResultPath").
func (v *visit) place(p *Path, result any) (any, error) {
	switch {
	case p == nil:
		return result, nil
	case p.null:
		return v.input, nil
	case p.bad != nil:
		return nil, v.broken("%s", p.bad)
	}
	out, err := p.path.Set(v.input, result)
	if err != nil {
		return nil, &Error{Name: ErrorResultPath, Cause: v.prefix() + err.Error()}
	}
	return out, nil
}

// output applies OutputPath (specification, "OutputPath").
func (v *visit) outputPath(out any) (any, error) {
	if v.state.OutputPath == nil {
		return out, nil
	}
	return v.read(v.state.OutputPath, out)
}
