package main

import (
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// newRole makes a role that one service takes, with exactly the grants.
func (i *installation) newRole(id, service string, grants []infra.Grant, own map[infra.Resource]string) awsiam.Role {
	var statements []awsiam.PolicyStatement
	for _, g := range grants {
		var arns []*string
		for _, r := range g.Resources {
			for _, arn := range i.resolve(r, own) {
				arns = append(arns, text(arn))
			}
		}
		if len(arns) == 0 {
			continue // the installation has no such thing, as a key of its own
		}
		var actions []*string
		for _, a := range g.Actions {
			actions = append(actions, text(a))
		}
		statements = append(statements, awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: &actions, Resources: &arns}))
	}
	props := &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(text(service), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"grants": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements, Minimize: boolean(false)})},
	}
	if i.RolePath != "" {
		props.Path = text(i.RolePath)
	}
	if i.PermissionsBoundary != "" {
		props.PermissionsBoundary = awsiam.ManagedPolicy_FromManagedPolicyArn(i.stack, text(id+"Boundary"), text(i.PermissionsBoundary))
	}
	role := awsiam.NewRole(i.stack, text(id), props)
	i.explainStars(role, grants, own)
	return role
}

// addFunctions makes the functions, each with its role, its log group and a version of what is deployed.
func (i *installation) addFunctions() error {
	access, err := accessOf(i.jobs)
	if err != nil {
		return err
	}
	for _, f := range infra.Functions() {
		i.addFunction(f, access.grants(f, i))
	}
	return nil
}

func (i *installation) addFunction(f infra.Function, access []infra.Grant) {
	retention, ok := retentions[infra.FunctionLogDays]
	if !ok {
		panic(fault.New(fault.Internal, "CloudWatch keeps no logs for %d days", infra.FunctionLogDays))
	}
	logs := awslogs.NewLogGroup(i.stack, text("Log-"+f.Name), &awslogs.LogGroupProps{LogGroupName: text("/aws/lambda/" + i.Name(f.Name)),
		Retention: retention, RemovalPolicy: awscdk.RemovalPolicy_DESTROY, EncryptionKey: i.key})
	grants := append(f.Grants(), access...)
	inVPC := i.VPC != "" && connects[f.Name]
	if inVPC {
		grants = append(grants, infra.NetworkGrants()...)
	}
	role := i.newRole("Role-"+f.Name, "lambda.amazonaws.com", grants, map[infra.Resource]string{infra.OnLogs: *logs.LogGroupArn()})
	env := map[string]*string{}
	for _, name := range f.Env() {
		env[name] = text(i.variable(name))
	}
	architecture := awslambda.Architecture_ARM_64()
	if i.Architecture == "amd64" {
		architecture = awslambda.Architecture_X86_64()
	}
	function := awslambda.NewFunction(i.stack, text("Function-"+f.Name), &awslambda.FunctionProps{
		FunctionName: text(i.Name(f.Name)), Description: text("Lockstep: " + f.Summary), Role: role.WithoutPolicyUpdates(nil),
		Runtime: awslambda.Runtime_PROVIDED_AL2023(), Handler: text(f.Name), Architecture: architecture,
		Code:       awslambda.Code_FromAsset(text(filepath.Join(i.Functions, f.Name)), nil),
		MemorySize: number(f.MemoryMB), Timeout: awscdk.Duration_Seconds(number(f.TimeoutS)), Environment: &env, EnvironmentEncryption: i.key,
		LogGroup: logs, Tracing: awslambda.Tracing_ACTIVE,
		// A run in flight, or one that is redriven, ends on the code that it began with.
		CurrentVersionOptions: &awslambda.VersionOptions{RemovalPolicy: awscdk.RemovalPolicy_RETAIN},
	})
	if inVPC {
		function.Node().DefaultChild().(awslambda.CfnFunction).SetVpcConfig(&awslambda.CfnFunction_VpcConfigProperty{SubnetIds: texts(i.Subnets), SecurityGroupIds: texts(i.SecurityGroups)})
	}
	if f.Asynchronous {
		awslambda.NewCfnEventInvokeConfig(i.stack, text("Invoke-"+f.Name), &awslambda.CfnEventInvokeConfigProps{
			FunctionName: function.FunctionName(), Qualifier: text("$LATEST"),
			MaximumEventAgeInSeconds: number(infra.ToCode.MaxAgeS), MaximumRetryAttempts: number(infra.ToCode.Attempts),
			DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
				OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: i.queues[string(infra.OnFailures)].QueueArn()}},
		})
	}
	i.functions[f.Name] = function
}

// connects are the functions that open sources and destinations, and so enter the VPC.
var connects = map[string]bool{"plan": true, "extract": true, "load": true, "finish": true}

// retentions are the times for which CloudWatch keeps logs, of those that infra names.
var retentions = map[int]awslogs.RetentionDays{30: awslogs.RetentionDays_ONE_MONTH, 90: awslogs.RetentionDays_THREE_MONTHS}

// variable gives the value of a variable of a function's environment.
func (i *installation) variable(name string) string {
	switch name {
	case infra.EnvTable:
		return *i.table.TableName()
	case infra.EnvBucket:
		return *i.bucket.BucketName()
	case infra.EnvBundle:
		return i.Parameter()
	case infra.EnvMachine:
		return i.arns[infra.OnMachine][0]
	case infra.EnvStage:
		return i.Stage
	case infra.EnvPrefix:
		return i.Prefix
	}
	panic(fault.New(fault.Internal, "nobody knows the value of %s", name))
}

func texts(list []string) *[]*string {
	out := make([]*string, len(list))
	for n, s := range list {
		out[n] = text(s)
	}
	return &out
}
