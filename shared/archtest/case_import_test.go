package archtest

// Beginnings of import lines in the cases.
const (
	ourImport = `import _ "` + module + `/`
	sdkImport = `import _ "github.com/aws/aws-sdk-go-v2/service/sfn"`
)

var parseCases = []ruleCase{
	{"broken file", "-- cmd/x/main.go --\npackage main\nfunc {", "cmd/x/main.go:1:"},
	{"ignored folders", "-- shared/x/testdata/a.go --\nnot Go\n-- .ci/a.go --\nnot Go\n-- node_modules/a.go --\nnot Go", ""},
}

var layersCases = []ruleCase{
	{"down", "-- shared/step/load/load.go --\npackage load\n" + ourImport + `shared/store"`, ""},
	{"down into an implementation", "-- shared/runner/runner.go --\npackage runner\n" + ourImport + `shared/store/sqlite"`, ""},
	{"up", "-- shared/store/store.go --\npackage store\n" + ourImport + `shared/runner"`,
		"shared/store/store.go:2: imports shared/runner: it stands in a higher layer"},
	{"same layer", "-- shared/blob/blob.go --\npackage blob\n" + ourImport + `shared/store"`,
		"shared/blob/blob.go:2: imports shared/store: both are in the same layer"},
	{"same layer, listed", "-- shared/record/record.go --\npackage record\n" + ourImport + `shared/fault"`, ""},
	{"listed one way only", "-- shared/fault/fault.go --\npackage fault\n" + ourImport + `shared/record"`,
		"shared/fault/fault.go:2: imports shared/record: both"},
	{"child imports parent", "-- shared/connector/file/file.go --\npackage file\n" + ourImport + `shared/connector"`, ""},
	{"parent imports child", "-- shared/connector/connector.go --\npackage connector\n" + ourImport + `shared/connector/file"`,
		"shared/connector/connector.go:2: imports shared/connector/file: a parent does not import"},
	{"parent imports its internal package", "-- shared/asl/asl.go --\npackage asl\n" + ourImport + `shared/asl/internal/path"`, ""},
	{"siblings", "-- shared/step/load/load.go --\npackage load\n" + ourImport + `shared/step/extract"`,
		"shared/step/load/load.go:2: imports shared/step/extract: siblings"},
	{"siblings, internal to the other", "-- shared/step/load/load.go --\npackage load\n" + ourImport + `shared/step/extract/internal/x"`,
		"shared/step/load/load.go:2: imports shared/step/extract/internal/x: siblings"},
	{"sibling in a test", "-- shared/connector/file/file_test.go --\npackage file\n" + ourImport + `shared/connector/conntest"`, ""},
	{"function imports the edge", "-- functions/load/main.go --\npackage main\n" + ourImport + `functions/internal/edge"`, ""},
	{"edge imports a function", "-- functions/internal/edge/edge.go --\npackage edge\n" + ourImport + `functions/load"`,
		"functions/internal/edge/edge.go:2: imports functions/load: it stands in a higher layer"},
	{"function imports a function", "-- functions/load/main.go --\npackage main\n" + ourImport + `functions/plan"`,
		"functions/load/main.go:2: imports functions/plan: siblings"},
	{"inside a command", "-- cmd/lockstep/main.go --\npackage main\n" + ourImport + `cmd/lockstep/cli"`, ""},
	{"folder without a layer", "-- shared/util/a.go --\npackage util\n-- shared/util/b.go --\npackage util",
		"shared/util/a.go:1: folder shared/util has no layer"},
	{"import of a folder without a layer", "-- cmd/x/main.go --\npackage main\n" + ourImport + `shared/util"`,
		"cmd/x/main.go:2: imports shared/util: that folder has no layer"},
	{"name that begins like a part", "-- shared/storefront/a.go --\npackage storefront", "shared/storefront/a.go:1: folder"},
	{"root of the module", "-- a.go --\npackage lockstep", "a.go:1: folder . has no layer"},
}

var awsCases = []ruleCase{
	{"a step", "-- shared/step/load/load.go --\npackage load\n" + sdkImport, "shared/step/load/load.go:2: imports github.com/aws/"},
	{"a test of a step", "-- shared/step/load/load_test.go --\npackage load\n" + sdkImport, "shared/step/load/load_test.go:2:"},
	{"the command", "-- cmd/lockstep/main.go --\npackage main\nimport _ \"github.com/aws/aws-lambda-go/lambda\"", "cmd/lockstep/main.go:2:"},
	{"the buckets", "-- shared/blob/blob.go --\npackage blob\n" + sdkImport, "shared/blob/blob.go:2:"},
	{"a file that begins like the S3 opener", "-- shared/blob/s3.go --\npackage blob\n" + sdkImport, "shared/blob/s3.go:2:"},
	{"the S3 opener", "-- shared/blob/s3/s3.go --\npackage s3\n" + sdkImport, ""},
	{"a function", "-- functions/load/main.go --\npackage main\n" + sdkImport, ""},
	{"the store", "-- shared/store/dynamo/dynamo.go --\npackage dynamo\n" + sdkImport, ""},
	{"another store", "-- shared/store/sqlite/sqlite.go --\npackage sqlite\n" + sdkImport, "shared/store/sqlite/sqlite.go:2:"},
}

var testImportsCases = []ruleCase{
	{"contract suite", "-- cmd/x/main.go --\npackage main\n" + ourImport + `shared/store/storetest"`, "cmd/x/main.go:2: production code imports"},
	{"testing", "-- shared/job/job.go --\npackage job\nimport _ \"testing\"", "shared/job/job.go:2:"},
	{"below testing", "-- shared/job/job.go --\npackage job\nimport _ \"testing/fstest\"", "shared/job/job.go:2:"},
	{"go-cmp", "-- shared/job/job.go --\npackage job\nimport _ \"github.com/google/go-cmp/cmp\"", "shared/job/job.go:2:"},
	{"in a test", "-- shared/job/job_test.go --\npackage job\nimport _ \"testing\"", ""},
	{"in a contract suite", "-- shared/store/storetest/storetest.go --\npackage storetest\nimport _ \"testing\"", ""},
	{"in the harness", "-- localstack/harness.go --\npackage localstack\nimport _ \"testing\"", ""},
	{"module whose name ends in test", "-- shared/job/job.go --\npackage job\nimport _ \"example.com/latest\"", ""},
}
