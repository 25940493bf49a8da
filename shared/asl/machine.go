package asl

import (
	"github.com/lockstep-data/lockstep/shared/asl/internal/choice"
)

// Machine is a loaded definition. It is immutable and may be run any number of times at once.
type Machine struct {
	Comment        string
	Version        string // of the language: "1.0", or empty
	QueryLanguage  QueryLanguage
	TimeoutSeconds int // of the whole execution; 0 means none
	Flow
}

// Flow is a set of states with a beginning: of the machine, of a Map's item, of a Parallel's branch.
type Flow struct {
	StartAt string
	States  []*State // in the order of the definition
	byName  map[string]*State
}

// State gives a state of this flow by name, nil when there is none.
func (f *Flow) State(name string) *State { return f.byName[name] }

// Walk calls do for each state, those inside Map and Parallel after the one that holds them.
func (f *Flow) Walk(do func(*State)) {
	for _, s := range f.States {
		do(s)
		for _, inner := range s.flows() {
			inner.Walk(do)
		}
	}
}

// State is one state. Fields that its type or query language does not know are zero.
type State struct {
	Name          string
	Path          string // in the definition, as in /States/Partitions/ItemProcessor/States/Load
	Type          Type
	QueryLanguage QueryLanguage
	Comment       string
	Next          string // of all but Choice, Succeed, Fail; empty at the end of a flow
	End           bool

	Arguments *Template // JSONata: Task, Parallel
	Output    *Template // JSONata: all but Fail
	Assign    *Template // an object by names of variables; of all but Succeed and Fail

	InputPath      *Path     // JSONPath: all but Fail; nil means $
	OutputPath     *Path     // JSONPath: all but Fail; nil means $
	Parameters     *Template // JSONPath: Pass, Task, Parallel
	ResultSelector *Template // JSONPath: Task, Parallel, Map
	ResultPath     *Path     // JSONPath: Pass, Task, Parallel, Map; nil means $

	Retry []Retrier // Task, Map, Parallel
	Catch []Catcher // Task, Map, Parallel

	Resource         string    // Task
	Credentials      *Template // Task
	TimeoutSeconds   *Amount   // Task
	HeartbeatSeconds *Amount   // Task

	Choices []Rule // Choice
	Default string // Choice; empty means that no match is an error

	Result *Template // Pass under JSONPath: a constant

	Seconds   *Amount   // Wait: one of the three
	Timestamp *Template // Wait
	// TimestampPath names where the time stands; Wait under JSONPath.
	TimestampPath *Path

	Error     *Template // Fail
	Cause     *Template // Fail
	ErrorPath *Path     // Fail under JSONPath: a path or an intrinsic function
	CausePath *Path     // Fail under JSONPath

	Branches []*Flow  // Parallel
	Iterate  *Iterate // Map
}

// Iterate is what only a Map has.
type Iterate struct {
	Items          *Template // JSONata; nil means the input
	ItemsPath      *Path     // JSONPath; nil means the input
	ItemSelector   *Template // nil means the item
	MaxConcurrency *Amount   // nil and 0 mean the limit of the service
	Processor      *Flow
	Distributed    bool // ProcessorConfig's Mode is DISTRIBUTED
	Express        bool // ProcessorConfig's ExecutionType is EXPRESS

	// The rest belongs to a Distributed Map.
	Label                      string
	ItemReader                 *ItemReader
	ItemBatcher                *ItemBatcher
	ResultWriter               *ResultWriter
	ToleratedFailureCount      *Amount
	ToleratedFailurePercentage *Amount
}

// flows gives the flows inside a state.
func (s *State) flows() []*Flow {
	if s.Iterate != nil && s.Iterate.Processor != nil {
		return []*Flow{s.Iterate.Processor}
	}
	return s.Branches
}

// targets gives the names of the states that may follow, with the path of the field that says so.
func (s *State) targets() []target {
	var out []target
	add := func(path, name string) {
		if name != "" {
			out = append(out, target{s.Path + path, name})
		}
	}
	add("/Next", s.Next)
	add("/Default", s.Default)
	for i, r := range s.Choices {
		add(index("/Choices", i)+"/Next", r.Next)
	}
	for i, c := range s.Catch {
		add(index("/Catch", i)+"/Next", c.Next)
	}
	return out
}

type target struct{ path, name string }

// Rule is one rule of a Choice.
type Rule struct {
	Condition  *Template   // JSONata: gives a boolean
	Comparison choice.Rule // JSONPath
	Next       string
	Output     *Template // JSONata; nil: the input
	Assign     *Template
	bad        error // the comparison could not be read
}

// Retrier says which errors are tried again, and when.
type Retrier struct {
	ErrorEquals     []string
	IntervalSeconds float64 // before the first retry; default 1
	BackoffRate     float64 // ≥ 1; default 2
	MaxDelaySeconds float64 // 0 means no limit
	MaxAttempts     int     // retries, 0 for none; default 3
	FullJitter      bool    // JitterStrategy FULL: the delay is drawn from 0 to what it would be
}

// Catcher says where an error leads that no retrier takes.
type Catcher struct {
	ErrorEquals []string
	Next        string
	Output      *Template // JSONata; nil: the error output
	ResultPath  *Path     // JSONPath: where the error output goes in the state's input; nil means $
	Assign      *Template
}
