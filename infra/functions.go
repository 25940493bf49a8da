package infra

// Function is one Lambda function: one folder of functions/, at most one Task state of the machine.
type Function struct {
	Name         string // of the folder
	Summary      string
	MemoryMB     int    // 128–10,240; processor time grows with it, a whole core at 1,769
	TimeoutS     int    // 1–900
	Hole         string // in the definition of sync that its ARN fills; "" for one that is no state of the machine
	Machine      bool   // gets the machine's ARN: it starts executions, or asks for their state
	Asynchronous bool   // invoked by events, so that what fails for good goes to a queue
}

// The bounds of steps. The state's own time-out is 60 s longer, so that Lambda ends a step that hangs, not Step Functions.
const (
	stepTimeoutS = 900
	workMemoryMB = 1769 // decoding and encoding batches is work for a whole core
)

// Functions lists all functions in the order of a run.
func Functions() []Function {
	return []Function{
		{Name: "start", Summary: "puts a run's row, minds pause and overlap, and starts the execution", MemoryMB: 512, TimeoutS: 60, Machine: true, Asynchronous: true},
		{Name: "acquire", Summary: "takes the job's lock", MemoryMB: 512, TimeoutS: stepTimeoutS, Hole: "AcquireFunctionArn"},
		{Name: "plan", Summary: "hands out the partitions of a leg", MemoryMB: 1024, TimeoutS: stepTimeoutS, Hole: "PlanFunctionArn"},
		{Name: "extract", Summary: "cuts the next batch", MemoryMB: workMemoryMB, TimeoutS: stepTimeoutS, Hole: "ExtractFunctionArn"},
		{Name: "transform", Summary: "turns a batch into another one", MemoryMB: workMemoryMB, TimeoutS: stepTimeoutS, Hole: "TransformFunctionArn"},
		{Name: "validate", Summary: "judges each record of a batch", MemoryMB: workMemoryMB, TimeoutS: stepTimeoutS, Hole: "ValidateFunctionArn"},
		{Name: "load", Summary: "writes a batch and commits its checkpoint", MemoryMB: workMemoryMB, TimeoutS: stepTimeoutS, Hole: "LoadFunctionArn"},
		{Name: "finish", Summary: "swaps, deletes, and releases the lock", MemoryMB: 1024, TimeoutS: stepTimeoutS, Hole: "FinishFunctionArn"},
		{Name: "close", Summary: "ends what an execution that ended has left open", MemoryMB: 512, TimeoutS: 120, Machine: true, Asynchronous: true},
		{Name: "sweep", Summary: "ends runs whose execution is dead, starts those that stayed pending", MemoryMB: 512, TimeoutS: 300, Machine: true, Asynchronous: true},
	}
}

// Env lists the variables that the function gets, as the constants name them.
func (f Function) Env() []string {
	names := []string{EnvTable, EnvBucket, EnvBundle, EnvStage, EnvPrefix}
	if f.Machine {
		names = append(names, EnvMachine)
	}
	return names
}
