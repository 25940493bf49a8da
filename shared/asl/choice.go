package asl

// choice does a Choice state (specification, "Choice State"): it takes the first rule that is true, else Default.
func (v *visit) choice() (outcome, error) {
	effective, err := v.effective()
	if err != nil {
		return outcome{}, err
	}
	v.trace.note("afterInputPath", effective)
	for i := range v.state.Choices {
		r := &v.state.Choices[i]
		ok, err := v.holds(r, effective)
		if err != nil {
			return outcome{}, err
		}
		if ok {
			return v.leave(exit{next: r.Next, value: effective, output: r.Output, assign: r.Assign})
		}
	}
	if v.state.Default == "" {
		return outcome{}, v.broken("Failed to transition out of the state. The state does not point to a next state.")
	}
	return v.leave(exit{next: v.state.Default, value: effective, output: v.state.Output, assign: v.state.Assign})
}

// holds says whether a rule is true.
func (v *visit) holds(r *Rule, effective any) (bool, error) {
	if r.bad != nil {
		return false, v.broken("%s", r.bad)
	}
	if r.Condition == nil {
		ok, err := r.Comparison.Match(&data{v, effective})
		if err != nil {
			return false, v.broken("%s", err)
		}
		return ok, nil
	}
	value, err := v.eval(r.Condition, nil)
	if err != nil {
		return false, err
	}
	if failed := r.Condition.wantType(value, "boolean"); failed != nil {
		return false, v.failed(failed)
	}
	return value == true, nil
}
