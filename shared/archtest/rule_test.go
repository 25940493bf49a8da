package archtest

// rule is one rule of the repository's shape.
type rule struct {
	name   string
	reason string // printed with each finding
	check  func(*tree) []finding
	cases  []ruleCase // made-up trees that show what it catches and what not
}

// rules are all of them, in the order in which they are reported.
var rules = []rule{
	{"parse", "every file must be Go that compiles",
		func(t *tree) []finding { return t.broken }, parseCases},
	{"layers", "imports form a graph without cycles that reads as the product; parts can be understood and tested alone",
		checkLayers, layersCases},
	{"aws", "the product runs on a laptop without AWS; SDK types stay behind the interfaces of connector, blob and store",
		checkAWS, awsCases},
	{"test imports", "test code must not be linked into users' binaries",
		checkTestImports, testImportsCases},
	{"package comment", "who opens a package reads first what it is for, and finds that at the same place in each",
		checkPackageComments, packageCommentCases},
	{"exported comment", "a name that others may use says what its signature cannot",
		checkExported, exportedCommentCases},
	{"open tasks", "unfinished work that no issue names is forgotten",
		checkTasks, openTasksCases},
	{"file size", "a file that long holds more than one thing",
		checkFileSize, fileSizeCases},
	{"function size", "a function that long cannot be read at once",
		checkFuncSize, functionSizeCases},
	{"parameters", "arguments in a row are swapped by mistake; a struct names them",
		checkParams, parametersCases},
	{"sleep", "a sleep is too short on a slow machine and too long on a fast one: use testing/synctest, a fake clock or a signal",
		checkSleep, sleepCases},
	{"ambient", "shared code runs in tests, in a command and in Lambda; what it needs is given to it",
		checkAmbient, ambientCases},
	{"examples", "an example that does not show and check its result is a promise",
		checkExamples, examplesCases},
	{"components", "transforms and rules meet any record that a source has",
		checkComponents, componentsCases},
}
