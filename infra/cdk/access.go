package main

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// access is what jobs need beside the installation itself, read off their settings: places in S3, secrets, roles of other accounts.
type access struct {
	read, write places
	secrets     map[string]bool
	roles       map[string]bool // ARNs
}

// places are parts of buckets: bucket/prefix, with a star at the end, by bucket.
type places map[string]map[string]bool

func (p places) add(bucket, keys string) {
	if p[bucket] == nil {
		p[bucket] = map[string]bool{}
	}
	p[bucket][keys] = true
}

// The names of settings that stand for places and roles, whatever the connector.
const (
	settingRole  = "role_arn"
	schemeS3     = "s3://"
	schemeSecret = "secret://"
)

// accessOf reads what the jobs need. The error lists places that nobody can know before a run.
func accessOf(jobs []job.Job) (access, error) {
	a := access{places{}, places{}, map[string]bool{}, map[string]bool{}}
	var problems fault.Problems
	note := func(j job.Job, path string, to places, v setting.Values, folder bool) {
		each(v.Raw(), path, func(at, name, s string) {
			if err := a.note(to, name, s, folder); err != nil {
				problems = append(problems, fault.Problem{Path: j.Key() + ": " + at, Code: "unknown_place", Message: err.Error(), Hint: fault.Hint(err)})
			}
		})
	}
	for _, j := range jobs {
		note(j, "source.config", a.read, j.Source.Config, false)
		for _, d := range j.Destinations {
			note(j, "destinations."+d.Name, a.write, d.Config, true)
			a.components(d.Transforms)
		}
		a.components(slices.Concat(j.Source.Transforms, j.Transforms))
		for _, r := range j.Rules {
			a.components([]job.Component{r.Component})
		}
	}
	return a, problems.Err()
}

// components notes the secrets in the settings of transforms and rules.
func (a access) components(cs []job.Component) {
	for _, c := range cs {
		each(c.Config.Raw(), "", func(_, _, s string) {
			if name, ok := strings.CutPrefix(s, schemeSecret); ok {
				a.secrets[name] = true
			}
		})
	}
}

// each calls f for every text in a value, with its path and the name that it stands under.
func each(v any, path string, f func(path, name, text string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if s, ok := v[k].(string); ok {
				f(setting.Join(path, k), k, s)
			} else {
				each(v[k], setting.Join(path, k), f)
			}
		}
	case []any:
		for i, e := range v {
			if s, ok := e.(string); ok {
				f(setting.Index(path, i), "", s)
			} else {
				each(e, setting.Index(path, i), f)
			}
		}
	}
}

// note records what one text of the settings names.
func (a access) note(to places, name, s string, folder bool) error {
	switch {
	case strings.HasPrefix(s, schemeSecret):
		a.secrets[strings.TrimPrefix(s, schemeSecret)] = true
	case name == settingRole:
		a.roles[s] = true
	case strings.HasPrefix(s, schemeS3):
		bucket, key, _ := strings.Cut(strings.TrimPrefix(s, schemeS3), "/")
		key, _, _ = strings.Cut(key, "?region=")
		key, _, _ = strings.Cut(key, "?endpoint=")
		if strings.Contains(bucket, "$") {
			return fault.New(fault.ConfigInvalid, "the bucket of %s is known only when the job runs", s).WithHint("write the bucket's name: the functions' roles are made for it")
		}
		if n := strings.IndexAny(key, "{*?[$"); n >= 0 {
			key = key[:n] + "*"
		} else if folder {
			key = strings.TrimSuffix(key, "/") + "/*"
		}
		if plain, err := url.PathUnescape(key); err == nil {
			key = plain
		}
		to.add(bucket, strings.TrimPrefix(key, "/"))
	}
	return nil
}

// grants gives what a function needs of that. Every step resolves the whole job, so every step reads its secrets.
func (a access) grants(f infra.Function, i *installation) []infra.Grant {
	var out []infra.Grant
	s3 := func(p places, actions []string, why string) {
		for _, bucket := range sortedKeys(p) {
			arn := i.arn("s3", "", bucket)
			var keys []infra.Resource
			for _, k := range sortedKeys(p[bucket]) {
				keys = append(keys, i.exactly(arn+"/"+k))
			}
			out = append(out, infra.Grant{Actions: actions, Resources: keys, Reason: why},
				infra.Grant{Actions: []string{"s3:ListBucket"}, Resources: []infra.Resource{i.exactly(arn)}, Reason: why})
		}
	}
	if f.Name == "plan" || f.Name == "extract" {
		s3(a.read, []string{"s3:GetObject"}, "sources of jobs")
	}
	if f.Name == "plan" || f.Name == "load" || f.Name == "finish" {
		s3(a.write, []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, "destinations of jobs")
	}
	if f.Hole != "" {
		var secrets, parameters []infra.Resource
		for _, name := range sortedKeys(a.secrets) {
			if strings.HasPrefix(name, "/") { // a parameter of SSM
				parameters = append(parameters, i.exactly(i.arn("ssm", i.place(), "parameter"+name)))
			} else {
				secrets = append(secrets, i.exactly(i.arn("secretsmanager", i.place(), "secret:"+name+"-??????")))
			}
		}
		if len(secrets) > 0 {
			out = append(out, infra.Grant{Actions: []string{"secretsmanager:GetSecretValue"}, Resources: secrets, Reason: "secrets of jobs"})
		}
		if len(parameters) > 0 {
			out = append(out, infra.Grant{Actions: []string{"ssm:GetParameter"}, Resources: parameters, Reason: "secrets of jobs"})
		}
	}
	if connects[f.Name] && len(a.roles) > 0 {
		var arns []infra.Resource
		for _, arn := range sortedKeys(a.roles) {
			arns = append(arns, i.exactly(arn))
		}
		out = append(out, infra.Grant{Actions: []string{"sts:AssumeRole"}, Resources: arns, Reason: "connectors of other accounts"})
	}
	return out
}

// exactly makes a resource of an ARN that is no part of the installation.
func (i *installation) exactly(arn string) infra.Resource {
	r := infra.Resource(strings.ReplaceAll(arn, "/", "\x00")) // a slash would part it
	i.arns[r] = []string{arn}
	return r
}
