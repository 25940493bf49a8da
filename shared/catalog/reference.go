package catalog

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/spec"
)

//go:embed expressions.md
var language string

// Reference gives the reference pages, Markdown, by their path below docs/reference: those of the job and its components, and the language
// of expressions. The same catalog gives the same bytes.
func Reference(c Catalog) map[string][]byte {
	pages := spec.Reference(c)
	var b strings.Builder
	b.WriteString(language)
	b.WriteString("\n## Functions\n\n| function | what it gives |\n|---|---|\n")
	for _, f := range expr.Functions() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(f.Usage, "|", `\|`), strings.ReplaceAll(f.Summary, "|", `\|`))
	}
	pages["expressions.md"] = []byte(b.String())
	const job = "- [The job file](job.md)\n"
	pages["README.md"] = bytes.Replace(pages["README.md"], []byte(job), []byte(job+"- [Expressions](expressions.md)\n"), 1)
	return pages
}
