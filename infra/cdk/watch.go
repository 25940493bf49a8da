package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"

	"github.com/lockstep-data/lockstep/infra"
)

// addWatch makes the alarms, and a dashboard with the same figures and those of the runs.
func (i *installation) addWatch() error {
	for _, a := range infra.Alarms() {
		i.addAlarm(a)
	}
	body, err := json.Marshal(i.dashboard())
	if err != nil {
		return fmt.Errorf("write the dashboard: %w", err)
	}
	awscloudwatch.NewCfnDashboard(i.stack, text("Dashboard"), &awscloudwatch.CfnDashboardProps{DashboardName: text(i.Stack()), DashboardBody: text(string(body))})
	return nil
}

// dimensions gives what a metric belongs to.
func (i *installation) dimensions(m infra.Metric) (name, value string) {
	switch m.Of {
	case infra.OfMachine:
		return string(m.Of), i.arns[infra.OnMachine][0]
	case infra.OfFunction:
		return string(m.Of), i.Name(m.Function)
	case infra.OfQueue:
		return string(m.Of), i.Name(m.Queue)
	case infra.OfGroup:
		return string(m.Of), i.Stack()
	}
	return string(m.Of), ""
}

func (i *installation) addAlarm(a infra.Alarm) {
	var queries []any
	var ids []string
	for n, m := range a.Metrics {
		id := fmt.Sprintf("m%d", n)
		name, value := i.dimensions(m)
		ids = append(ids, id)
		queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{Id: text(id), ReturnData: boolean(false),
			MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{Period: number(a.PeriodM * 60), Stat: text(m.Statistic),
				Metric: &awscloudwatch.CfnAlarm_MetricProperty{Namespace: text(m.Namespace), MetricName: text(m.Name),
					Dimensions: []any{&awscloudwatch.CfnAlarm_DimensionProperty{Name: text(name), Value: text(value)}}}}})
	}
	sum := "SUM([" + strings.Join(ids, ",") + "])" // what has no data counts as nothing
	if a.Below {
		sum = "FILL(" + ids[0] + ",0)"
	}
	queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{Id: text("sum"), Expression: text(sum), Label: text(a.Name), ReturnData: boolean(true)})
	props := &awscloudwatch.CfnAlarmProps{AlarmName: text(i.Name(a.Name)), AlarmDescription: text("Lockstep: " + a.Summary), Metrics: &queries,
		Threshold: &a.Threshold, EvaluationPeriods: number(a.Periods),
		ComparisonOperator: text("GreaterThanOrEqualToThreshold"), TreatMissingData: text("notBreaching")}
	if a.Below {
		props.ComparisonOperator, props.TreatMissingData = text("LessThanThreshold"), text("breaching")
	}
	if i.AlarmTopic != "" {
		props.AlarmActions, props.OkActions = &[]any{i.AlarmTopic}, &[]any{i.AlarmTopic}
	}
	awscloudwatch.NewCfnAlarm(i.stack, text("Alarm-"+a.Name), props)
}

// dashboard is the dashboard's body: a graph for each alarm, two in a row, and one of the executions.
func (i *installation) dashboard() map[string]any {
	runs := infra.Alarm{Name: "runs", PeriodM: 5, Metrics: infra.RunMetrics()}
	var widgets []any
	for n, a := range append([]infra.Alarm{runs}, infra.Alarms()...) {
		var metrics []any
		for _, m := range a.Metrics {
			name, value := i.dimensions(m)
			metrics = append(metrics, []any{m.Namespace, m.Name, name, value, map[string]any{"stat": m.Statistic}})
		}
		widgets = append(widgets, map[string]any{"type": "metric", "width": 12, "height": 6, "x": n % 2 * 12, "y": n / 2 * 6,
			"properties": map[string]any{"title": a.Name, "metrics": metrics, "period": a.PeriodM * 60, "region": *i.stack.Region(), "view": "timeSeries"}})
	}
	return map[string]any{"widgets": widgets}
}

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
