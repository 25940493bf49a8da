package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/lockstep-data/lockstep/infra"
)

// suppress tells cdk-nag why one resource does not follow one of its rules. Each suppression stands in the golden list of the tests.
func suppress(on constructs.IConstruct, rule, reason string, appliesTo []string) {
	s := &cdknag.NagPackSuppression{Id: text(rule), Reason: text(reason)}
	if len(appliesTo) > 0 {
		list := make([]any, len(appliesTo))
		for n, a := range appliesTo {
			list[n] = a
		}
		s.AppliesTo = &list
	}
	cdknag.NagSuppressions_AddResourceSuppressions(on, &[]*cdknag.NagPackSuppression{s}, nil)
}

// explainStars suppresses the rule against stars in resources for exactly those of a role's grants, with the grants' own reasons.
func (i *installation) explainStars(role awsiam.Role, grants []infra.Grant, own map[infra.Resource]string) {
	var stars, reasons []string
	for _, g := range grants {
		for _, r := range g.Resources {
			for _, arn := range i.resolve(r, own) {
				if shown := flat(i.stack.Resolve(text(arn))); strings.Contains(shown, "*") {
					stars, reasons = append(stars, "Resource::"+shown), append(reasons, g.Reason)
				}
			}
		}
	}
	if len(stars) == 0 {
		return
	}
	slices.Sort(stars)
	slices.Sort(reasons)
	suppress(role, "AwsSolutions-IAM5", strings.Join(slices.Compact(reasons), "; "), slices.Compact(stars))
}

// flat spells a value of a template as cdk-nag does: what is known at deployment stands in <>.
func flat(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprint(v)
	}
	if ref, ok := m["Ref"]; ok {
		return "<" + fmt.Sprint(ref) + ">"
	}
	if sub, ok := m["Fn::Sub"].(string); ok {
		return strings.NewReplacer("${", "<", "}", ">").Replace(sub)
	}
	if at, ok := m["Fn::GetAtt"].([]any); ok && len(at) == 2 {
		return fmt.Sprintf("<%v.%v>", at[0], at[1])
	}
	join, _ := m["Fn::Join"].([]any)
	var out strings.Builder
	if len(join) == 2 {
		for _, part := range join[1].([]any) {
			out.WriteString(flat(part))
		}
	}
	return out.String()
}
