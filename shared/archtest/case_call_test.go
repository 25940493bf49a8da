package archtest

// sleepFile begins a file that imports the clock.
const sleepFile = "package job\nimport (\n\"time\"\n\"testing/synctest\"\n)\n"

var sleepCases = []ruleCase{
	{"in a test", "-- shared/job/job_test.go --\n" + sleepFile + "func f() { time.Sleep(1) }", "shared/job/job_test.go:6: time.Sleep"},
	{"in a contract suite", "-- shared/store/storetest/a.go --\n" + sleepFile + "func f() { time.Sleep(1) }", "shared/store/storetest/a.go:6:"},
	{"with a fake clock", "-- shared/job/job_test.go --\n" + sleepFile + "func f() { synctest.Test(t, func(t *testing.T) { time.Sleep(1) }) }", ""},
	{"beside a fake clock", "-- shared/job/job_test.go --\n" + sleepFile + "func f() { synctest.Test(t, g); time.Sleep(1) }", "shared/job/job_test.go:6:"},
	{"under another name", "-- shared/job/job_test.go --\npackage job\nimport tm \"time\"\nfunc f() { tm.Sleep(1) }", "shared/job/job_test.go:3:"},
	{"another package's Sleep", "-- shared/job/job_test.go --\npackage job\nimport \"x/clock\"\nfunc f() { clock.Sleep(1) }", ""},
	{"production code", "-- shared/job/job.go --\n" + sleepFile + "func f() { time.Sleep(1) }", ""},
}

// ambientFile begins a file that imports what belongs to the process.
const ambientFile = "package job\nimport (\n\"context\"\n\"log\"\n\"log/slog\"\n\"os\"\n)\n"

var ambientCases = []ruleCase{
	{"context.Background", "-- shared/job/job.go --\n" + ambientFile + "var c = context.Background()", "shared/job/job.go:8: uses context.Background: take ctx"},
	{"context.TODO", "-- shared/job/job.go --\n" + ambientFile + "var c = context.TODO()", "shared/job/job.go:8: uses context.TODO"},
	{"context.WithCancel", "-- shared/job/job.go --\n" + ambientFile + "func f(c context.Context) { context.WithCancel(c) }", ""},
	{"log.Fatalf", "-- shared/job/job.go --\n" + ambientFile + "func f() { log.Fatalf(\"\") }", "shared/job/job.go:8: uses log.Fatalf"},
	{"slog.Default", "-- shared/job/job.go --\n" + ambientFile + "var l = slog.Default()", "shared/job/job.go:8: uses slog.Default"},
	{"slog.InfoContext", "-- shared/job/job.go --\n" + ambientFile + "func f() { slog.InfoContext(nil, \"\") }", "shared/job/job.go:8: uses slog.InfoContext"},
	{"slog.Logger", "-- shared/job/job.go --\n" + ambientFile + "func f(l *slog.Logger) { l.Info(\"\", slog.Int(\"n\", 1)) }", ""},
	{"os.Exit", "-- shared/job/job.go --\n" + ambientFile + "func f() { os.Exit(1) }", "shared/job/job.go:8: uses os.Exit"},
	{"main", "-- cmd/x/main.go --\npackage main\nimport \"context\"\nvar c = context.Background()", ""},
	{"test", "-- shared/job/job_test.go --\n" + ambientFile + "var c = context.Background()", ""},
}

var examplesCases = []ruleCase{
	{"complete", "-- examples/a/README.md --\n-- examples/a/expected/out.json --\n", ""},
	{"expected file", "-- examples/a/README.md --\n-- examples/a/expected.txt --\n", ""},
	{"bare", "-- examples/a/job.yaml --\n", "examples/a:1: example has no README.md\nexamples/a:1: example has no expected output"},
	{"file beside them", "-- examples/README.md --\n", ""},
}

// A component and the beginning of its test.
const (
	componentFile = "-- shared/transform/rename.go --\npackage transform\nfunc renameSpec() Spec {}\n"
	componentTest = "-- shared/transform/rename_test.go --\npackage transform\n"
)

var componentsCases = []ruleCase{
	{"complete", componentFile + componentTest + "func FuzzRename(f *testing.F) {}\nfunc BenchmarkRename(b *testing.B) {}", ""},
	{"no test", componentFile, "shared/transform/rename.go:1: component has no rename_test.go"},
	{"no fuzz target", componentFile + componentTest + "func BenchmarkRename(b *testing.B) {}", "shared/transform/rename_test.go:1: component has no fuzz target"},
	{"no benchmark", componentFile + componentTest + "func FuzzRename(f *testing.F) {}", "shared/transform/rename_test.go:1: component has no benchmark"},
	{"no component", "-- shared/transform/transform.go --\npackage transform\nfunc (r Registry) Spec() Spec {}\nfunc findSpec(name string) Spec {}", ""},
}
