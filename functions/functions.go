// Package functions is Lockstep's Lambda functions by their names. Each folder beside it is the program of one of them; bootstrap is all of
// them in one program, which is what is deployed. A program with transforms of its own calls Main with a larger catalog. Mains import it.
package functions

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"os"
	"runtime/debug"
	"time"

	"github.com/lockstep-data/lockstep/functions/internal/edge"
	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/blob/s3"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/connector/file"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/step/acquire"
	"github.com/lockstep-data/lockstep/shared/step/extract"
	"github.com/lockstep-data/lockstep/shared/step/finish"
	"github.com/lockstep-data/lockstep/shared/step/load"
	"github.com/lockstep-data/lockstep/shared/step/plan"
	"github.com/lockstep-data/lockstep/shared/step/transform"
	"github.com/lockstep-data/lockstep/shared/step/validate"
)

// acts gives what each function does.
func acts() map[string]edge.Act {
	return map[string]edge.Act{
		"start":     start,
		"acquire":   edge.Step(acquire.Run),
		"plan":      edge.Step(plan.Run),
		"extract":   edge.Step(extract.Run),
		"transform": edge.Step(transform.Run),
		"validate":  edge.Step(validate.Run),
		"load":      edge.Step(load.Run),
		"finish":    edge.Step(finish.Run),
		"close":     end,
		"sweep":     sweep,
	}
}

// Catalog is what a job may name in a function: all that runs without a disk of its own, with files in S3.
func Catalog() catalog.Catalog {
	return catalog.Builtin().WithConnector(file.Spec(blob.Openers{}.With(s3.Scheme, s3.Opener())))
}

// Main is the program of a function: it answers invocations until Lambda ends the process. "" stands for the name that Lambda was told as
// the handler, or that LOCKSTEP_FUNCTION says. A name that is no function's answers each invocation with ConfigInvalid.
func Main(name string, c catalog.Catalog) {
	if name == "" {
		name = os.Getenv(infra.EnvFunction)
	}
	if name == "" {
		name = os.Getenv("_HANDLER")
	}
	edge.New(edge.Options{
		Name: name, Catalog: c, Env: os.LookupEnv, Out: os.Stdout, Now: time.Now, Random: token, Version: version(),
	}, actOf(name)).Serve()
}

func actOf(name string) edge.Act {
	if act, ok := acts()[name]; ok {
		return act
	}
	return func(context.Context, *edge.World, json.RawMessage) (any, error) {
		return nil, fault.New(fault.ConfigInvalid, "there is no function %q", name).WithHint("the handler of the Lambda function is its name, as in extract")
	}
}

// token is 128 random bits.
func token() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// version is what is stored with each run: that of the build, and of the Lambda function.
func version() string {
	v := "devel"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		v = info.Main.Version
	}
	if n := os.Getenv("AWS_LAMBDA_FUNCTION_VERSION"); n != "" {
		v += " function " + n
	}
	return v
}
