package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/statemachine"
)

// integration is how the definition names a service integration; the partition stands in the place of aws.
const integration = "arn:aws:states:::"

// addMachine makes sync from its definition, with the functions' present versions in its holes.
func (i *installation) addMachine() error {
	source, err := statemachine.Sync(nil)
	if err != nil {
		return err
	}
	var definition bytes.Buffer
	if err := json.Compact(&definition, source); err != nil {
		return fmt.Errorf("read the definition of sync: %w", err)
	}
	holes := map[string]*string{"Partition": text(or(i.Partition, *i.stack.Partition()))}
	for _, f := range infra.Functions() {
		if f.Hole != "" {
			holes[f.Hole] = i.functions[f.Name].CurrentVersion().FunctionArn()
		}
	}
	logs := awslogs.NewLogGroup(i.stack, text("Log-"+infra.Machine), &awslogs.LogGroupProps{LogGroupName: text("/aws/vendedlogs/states/" + i.Name(infra.Machine)),
		Retention: retentions[infra.MachineLogDays], RemovalPolicy: awscdk.RemovalPolicy_DESTROY, EncryptionKey: i.key})
	role := i.newRole("Role-"+infra.Machine, "states.amazonaws.com", infra.MachineGrants(), nil)
	awsstepfunctions.NewCfnStateMachine(i.stack, text("Machine"), &awsstepfunctions.CfnStateMachineProps{
		StateMachineName: text(i.Name(infra.Machine)), StateMachineType: text("STANDARD"), RoleArn: role.RoleArn(),
		DefinitionString:        text(strings.ReplaceAll(definition.String(), integration, "arn:${Partition}:states:::")),
		DefinitionSubstitutions: &holes,
		TracingConfiguration:    &awsstepfunctions.CfnStateMachine_TracingConfigurationProperty{Enabled: boolean(true)},
		// Without execution data: an input could hold what a user does not want in a log.
		LoggingConfiguration: &awsstepfunctions.CfnStateMachine_LoggingConfigurationProperty{Level: text("ALL"), IncludeExecutionData: boolean(false),
			Destinations: []any{&awsstepfunctions.CfnStateMachine_LogDestinationProperty{
				CloudWatchLogsLogGroup: &awsstepfunctions.CfnStateMachine_CloudWatchLogsLogGroupProperty{LogGroupArn: logs.LogGroupArn()}}}},
	})
	return nil
}
