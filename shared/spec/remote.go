package spec

import (
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Remote gives the problems of jobs that cannot run on AWS, with what to use instead.
func Remote(c Components, docs []*Document) fault.Problems {
	var out fault.Problems
	for _, d := range docs {
		var found fault.Problems
		look := func(path, connector string, v setting.Values) {
			check := c.Connectors[connector].Remote
			if check == nil {
				return
			}
			for _, p := range check(v) {
				p.Path = setting.Join(path, p.Path)
				found = append(found, p)
			}
		}
		look("source.config", d.Job.Source.Connector, d.Job.Source.Config)
		for _, dest := range d.Job.Destinations {
			look(setting.Join(d.DestinationPath(dest.Name), "config"), dest.Connector, dest.Config)
		}
		out = append(out, d.Annotate(found)...)
	}
	out.Sort()
	return out
}
