// Command cdk makes the CloudFormation template of an installation: it reads the plain data of package infra and the jobs of a project, and turns
// them into constructs. It decides nothing that infra could say. The CDK command starts it (cdk.json); settings come as context
// (docs/deploy.md).
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

func main() {
	defer jsii.Close()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "lockstep:", err)
		jsii.Close()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	app := awscdk.NewApp(nil)
	settings, err := readSettings(app.Node().TryGetContext, time.Now())
	if err != nil {
		return err
	}
	jobs, err := readContent(ctx, settings.Config)
	if err != nil {
		return err
	}
	if _, err := newInstallation(app, settings, jobs); err != nil {
		return err
	}
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(nil), nil)
	app.Synth(nil)
	return nil
}
