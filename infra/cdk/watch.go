package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/lockstep-data/lockstep/infra"
)

func (i *installation) addAlarms() {}

// addOutputs names what the command and people look for.
func (i *installation) addOutputs() {
	out := map[string]string{
		infra.OutputTable:   *i.table.TableName(),
		infra.OutputBucket:  *i.bucket.BucketName(),
		infra.OutputBundle:  i.Parameter(),
		infra.OutputMachine: i.arns[infra.OnMachine][0],
		infra.OutputStart:   i.Name("start"),
	}
	if i.VPC != "" {
		var services []string
		for _, e := range infra.Endpoints() {
			services = append(services, e.Service)
		}
		out[infra.OutputEndpoints] = strings.Join(services, ",")
	}
	for _, name := range sortedKeys(out) {
		awscdk.NewCfnOutput(i.stack, text(name), &awscdk.CfnOutputProps{Value: text(out[name])})
	}
}
