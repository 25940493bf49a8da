package edge

import (
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// Settings are the function's environment; infra says what each means.
type Settings struct {
	Table, Bucket, Bundle, Stage, Prefix string
	Machine                              string // "" in functions that are not told
}

// readSettings reads the environment. ConfigInvalid names all that lacks.
func readSettings(env func(string) (string, bool)) (Settings, error) {
	var missing []string
	need := func(name string) string {
		v, _ := env(name)
		if v == "" {
			missing = append(missing, name)
		}
		return v
	}
	s := Settings{
		Table: need(infra.EnvTable), Bucket: need(infra.EnvBucket), Bundle: need(infra.EnvBundle), Stage: need(infra.EnvStage), Prefix: need(infra.EnvPrefix),
	}
	s.Machine, _ = env(infra.EnvMachine)
	if len(missing) > 0 {
		return s, fault.New(fault.ConfigInvalid, "the function's environment lacks %s", strings.Join(missing, ", ")).WithHint("deploy the stack again")
	}
	return s, nil
}

// spareMemory makes the collector work harder before the process is as large as the function may be: Lambda kills one that is larger.
func spareMemory(env func(string) (string, bool)) {
	const share = 0.8 // the rest is the program, stacks and buffers of the kernel
	size, _ := env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
	_, set := env("GOMEMLIMIT")
	if mb, err := strconv.Atoi(size); err == nil && mb > 0 && !set {
		debug.SetMemoryLimit(int64(float64(mb<<20) * share))
	}
}
