package archtest

import "strings"

// awsImports are the prefixes of modules that talk to AWS or run inside it.
var awsImports = []string{
	"github.com/aws/",
}

// awsAllowed are the folders, and beginnings of file names, where they may
// appear.
var awsAllowed = []string{
	"functions/",
	"infra/cdk/",
	"localstack/",
	"shared/blob/s3/",
	"shared/connector/dynamodb/",
	"shared/launch/aws",
	"shared/store/dynamo/",
}

// checkAWS reports imports of the AWS SDK and the Lambda runtime elsewhere.
func checkAWS(t *tree) []finding {
	var out []finding
	for _, f := range t.files {
		if hasPrefix(f.path, awsAllowed) {
			continue
		}
		for _, s := range f.ast.Imports {
			if imp := importPath(s); hasPrefix(imp, awsImports) {
				out = append(out, t.at(f, s, "imports %s outside the AWS adapters", imp))
			}
		}
	}
	return out
}

// testImports are the modules that only tests use.
var testImports = []string{
	"testing",
	"github.com/google/go-cmp/",
	"github.com/anishathalye/porcupine",
	"go.uber.org/goleak",
	"pgregory.net/rapid",
}

// checkTestImports reports production code that imports test code.
func checkTestImports(t *tree) []finding {
	var out []finding
	for _, f := range t.files {
		if f.forTests() || within(f.dir, "localstack") {
			continue
		}
		for _, s := range f.ast.Imports {
			imp := importPath(s)
			to, ours := inModule(imp)
			if ours && isTestDir(to) || !ours && isTestImport(imp) {
				out = append(out, t.at(f, s, "production code imports %s", imp))
			}
		}
	}
	return out
}

// isTestImport tells whether an import is one of testImports or below it;
// testing/fstest counts as testing.
func isTestImport(imp string) bool {
	for _, p := range testImports {
		if within(imp, strings.TrimSuffix(p, "/")) {
			return true
		}
	}
	return false
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
