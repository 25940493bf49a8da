// Package archtest holds the tests of the repository's own shape: which
// package may import which, where the AWS SDK may appear, what must be
// documented, how long files and functions may be, and calls that do not
// belong in shared code. CONTRIBUTING.md tells the rules in words; the tests
// here are what holds them.
//
// The package has no code beside its tests and nothing may import it. A rule
// is a value in rule_test.go's list; each has a case in archtest_test.go that
// shows it catching its violation in a small made-up source tree.
package archtest
