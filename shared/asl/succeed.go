package asl

// succeed does a Succeed state (specification, "Succeed State"): it ends its flow.
func (v *visit) succeed() (outcome, error) {
	effective, err := v.effective()
	if err != nil {
		return outcome{}, err
	}
	v.trace.note("afterInputPath", effective)
	return v.leave(exit{value: effective, output: v.state.Output})
}
