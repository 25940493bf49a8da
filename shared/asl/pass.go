package asl

// pass does a Pass state (specification, "Pass State"). Under JSONPath it may build a result of its own with Parameters or Result.
func (v *visit) pass() (outcome, error) {
	s := v.state
	if s.QueryLanguage == JSONata {
		return v.leave(exit{next: s.Next, value: v.input, output: s.Output, assign: s.Assign})
	}
	result, err := v.parameters()
	if err != nil {
		return outcome{}, err
	}
	if s.Result != nil {
		result, _ = s.Result.Constant()
	}
	v.trace.note("result", result)
	return v.leave(exit{next: s.Next, value: result, isResult: true, resultPath: s.ResultPath, assign: s.Assign})
}

// parameters gives the input of a state's work: Arguments under JSONata, InputPath and Parameters under JSONPath (specification,
// "Parameters").
func (v *visit) parameters() (any, error) {
	s := v.state
	if s.QueryLanguage == JSONata {
		if s.Arguments == nil {
			return v.input, nil
		}
		arguments, err := v.eval(s.Arguments, nil)
		if err == nil {
			v.trace.note("afterArguments", arguments)
		}
		return arguments, err
	}
	effective, err := v.effective()
	if err != nil {
		return nil, err
	}
	v.trace.note("afterInputPath", effective)
	if s.Parameters == nil {
		v.trace.note("afterParameters", effective)
		return effective, nil
	}
	parameters, err := v.eval(s.Parameters, effective)
	if err == nil {
		v.trace.note("afterParameters", parameters)
	}
	return parameters, err
}
