package archtest

import (
	"strings"
)

// layers gives each part of the repository its layer, as docs/architecture.md
// lists them. A folder belongs to its longest prefix here.
var layers = map[string]int{
	"infra":          0,
	"statemachine":   0,
	"shared/fault":   0,
	"shared/record":  0,
	"shared/setting": 0,

	"shared/job":      1,
	"shared/pipeline": 1,
	"shared/stage":    1,

	"shared/blob":      2,
	"shared/connector": 2,
	"shared/store":     2,

	"shared/expr":      3,
	"shared/transform": 3,
	"shared/validate":  3,
	"shared/spec":      3,
	"shared/asl":       3,
	"shared/catalog":   3,

	"shared/bundle": 4,
	"shared/step":   4,

	"shared/cost":   5,
	"shared/runner": 5,
	"shared/launch": 5,

	"shared/api": 6,
	"shared/web": 6,

	"shared/command": 7,

	"functions/internal": 7,

	"functions": 8,
	"infra/cdk": 8,
	"cmd":       8,

	"bench":           9,
	"examples":        9,
	"localstack":      9,
	"shared/archtest": 9,
}

// alsoImports lists imports inside one layer that the order of the layer's
// own parts allows, each with its reason. It has no cycle.
var alsoImports = map[string]map[string]string{
	"shared/connector": {"shared/blob": "the connector file reads and writes buckets"},
	"shared/record":    {"shared/fault": "decoding a batch returns coded errors"},
	"shared/setting":   {"shared/fault": "a wrong setting is a coded error"},
	"shared/transform": {"shared/expr": "set and filter evaluate expressions"},
	"shared/validate":  {"shared/expr": "the rule expr evaluates expressions"},
	"shared/catalog": {
		"shared/expr":      "it lists the functions of expressions",
		"shared/spec":      "it is what a job's components are checked against",
		"shared/transform": "it lists the transforms",
		"shared/validate":  "it lists the rules",
	},
}

// free are the parts whose packages may import each other as they need: they
// are ends of the tree, nothing above depends on them.
var free = map[string]bool{"cmd": true, "infra": true, "bench": true, "examples": true, "localstack": true}

// root returns the entry of layers that a folder belongs to.
func root(dir string) (string, bool) {
	for r := dir; ; {
		if _, ok := layers[r]; ok {
			return r, true
		}
		i := strings.LastIndexByte(r, '/')
		if i < 0 {
			return "", false
		}
		r = r[:i]
	}
}

// checkLayers reports imports that point to the same or a higher layer.
// *_test.go files are free: a test may use a contract suite beside it, or
// build its input with another part.
func checkLayers(t *tree) []finding {
	var out []finding
	unknown := map[string]bool{}
	for _, f := range t.files {
		if f.test {
			continue
		}
		if _, ok := root(f.dir); !ok {
			if !unknown[f.dir] {
				unknown[f.dir] = true
				out = append(out, finding{f.path, 1, "folder " + f.dir + " has no layer: place it in layers, and say why in docs/adr"})
			}
			continue
		}
		for _, s := range f.ast.Imports {
			if to, ok := inModule(importPath(s)); ok {
				if why := forbidden(f.dir, to); why != "" {
					out = append(out, t.at(f, s, "imports %s: %s", to, why))
				}
			}
		}
	}
	return out
}

// forbidden says why the package in folder from must not import the one in
// folder to; empty means that it may.
func forbidden(from, to string) string {
	fromRoot, _ := root(from)
	toRoot, ok := root(to)
	if !ok {
		return "that folder has no layer"
	}
	if fromRoot == toRoot {
		return forbiddenInside(from, to, fromRoot)
	}
	if alsoImports[fromRoot][toRoot] != "" {
		return ""
	}
	switch a, b := layers[fromRoot], layers[toRoot]; {
	case b == a:
		return "both are in the same layer"
	case b > a:
		return "it stands in a higher layer"
	}
	return ""
}

// forbiddenInside judges an import inside one part of the repository: a child
// imports its parents, a parent its own internal packages, siblings nothing.
func forbiddenInside(from, to, part string) string {
	switch {
	case free[part], within(from, to):
		return ""
	case strings.Contains(to+"/", "/internal/") && within(from, to[:strings.LastIndex(to+"/", "/internal/")]):
		return ""
	case within(to, from):
		return "a parent does not import its children: mains tie them together"
	}
	return "siblings do not import each other"
}
