package asl

// fail does a Fail state (specification, "Fail State"): it ends with an error, whose name and cause may both be missing.
func (v *visit) fail() error {
	name, err := v.failText(v.state.Error, v.state.ErrorPath)
	if err != nil {
		return err
	}
	cause, err := v.failText(v.state.Cause, v.state.CausePath)
	if err != nil {
		return err
	}
	return &Error{Name: name, Cause: cause}
}

// failText gives Error or Cause, literal, by expression or by path.
func (v *visit) failText(t *Template, p *Path) (string, error) {
	switch {
	case t != nil:
		value, err := v.eval(t, nil)
		if err != nil {
			return "", err
		}
		if failed := t.wantType(value, "string"); failed != nil {
			return "", v.failed(failed)
		}
		return value.(string), nil
	case p != nil:
		value, err := v.read(p, v.input)
		if err != nil {
			return "", err
		}
		s, ok := value.(string)
		if !ok {
			return "", v.broken("The %s field refers to a value that is not a string: %s", p.field, p.text)
		}
		return s, nil
	}
	return "", nil
}
