package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/blob/s3"
	"github.com/lockstep-data/lockstep/shared/bundle"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/connector/file"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
	"github.com/lockstep-data/lockstep/shared/spec"
)

// content is what a project brings to an installation.
type content struct {
	jobs   []job.Job
	bundle string // path of the bundle's file
}

// components are what a job may name; those that work on this machine only are refused with what to use instead.
func components() catalog.Catalog {
	return local.Builtin().WithConnector(file.Spec(blob.Local().With(s3.Scheme, s3.Opener())))
}

// readContent checks the jobs of a folder and writes their bundle to a file of its own. The error has every mistake with file and line.
func readContent(ctx context.Context, folder string) (content, error) {
	p, err := spec.Open(ctx, folder, spec.Options{Catalog: components(), Resolver: setting.Resolver{}})
	if err != nil {
		return content{}, err
	}
	if problems := spec.Remote(components().Components(), p.Documents); len(problems) > 0 {
		return content{}, problems
	}
	data, key, err := bundle.Build(p)
	if err != nil {
		return content{}, err
	}
	dir, err := os.MkdirTemp("", "lockstep-bundle-")
	if err != nil {
		return content{}, fmt.Errorf("write the bundle: %w", err)
	}
	c := content{bundle: filepath.Join(dir, filepath.Base(key))}
	if err := os.WriteFile(c.bundle, data, 0o600); err != nil {
		return content{}, fmt.Errorf("write the bundle: %w", err)
	}
	for _, d := range p.Documents {
		c.jobs = append(c.jobs, d.Job)
	}
	return c, nil
}
