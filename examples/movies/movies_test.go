package movies_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/examples/exampletest"
)

// summary is the figures of the run and its failures by the rules that were broken.
type summary struct {
	exampletest.Figures
	Failures map[string]int `json:"failures"`
}

// TestMovies compares figures, failures and rows with what encoding/json finds in the file.
func TestMovies(t *testing.T) {
	p := exampletest.Copy(t)
	want, good, bad := judge(t)
	r := p.Run("movies")
	if r.Figures() != want.Figures {
		t.Errorf("got %+v, want %+v", r.Figures(), want.Figures)
	}
	failures := map[string]int{}
	for _, f := range p.Failures(r) {
		failures[f.Rule]++
		if bad[f.Index] != f.Rule || f.Phase != "validate" {
			t.Errorf("record %d failed in %s by %q (%s), want %q", f.Index, f.Phase, f.Rule, f.Message, bad[f.Index])
		}
		if len(f.Snapshot) == 0 && f.Raw == "" {
			t.Errorf("record %d: the ledger does not show it", f.Index)
		}
	}
	if !maps.Equal(failures, want.Failures) {
		t.Errorf("got %v, want %v", failures, want.Failures)
	}
	rows := map[string]bool{}
	for _, row := range p.Query("out/movies.db", `SELECT Title, "Release Date", us_gross, imdb, director, released || '' FROM movies`) {
		rows[fmt.Sprint(row...)] = true
	}
	if !maps.Equal(rows, good) {
		t.Errorf("%d rows arrived, want %d, or they differ", len(rows), len(good))
	}

	p.RunsNothing("movies", "nothing new")
	p.Touch("data/movies.json.gz")
	p.RunsNothing("movies", "a file with a new time")
	p.Recompress("data/movies.json.gz")
	p.RunsNothing("movies", "a file compressed again")
	exampletest.Expect(t, "summary.json", want)
}

// judge reads the file: the figures, the rows that must arrive, and what is wrong with the records that must not, by number.
func judge(t *testing.T) (want summary, good map[string]bool, bad map[int]string) {
	t.Helper()
	f, err := os.Open("data/movies.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var films []map[string]any
	if err := json.NewDecoder(z).Decode(&films); err != nil {
		t.Fatal(err)
	}
	want.Failures, good, bad = map[string]int{}, map[string]bool{}, map[int]string{}
	titles := map[string]bool{}
	ratings := []string{"G", "PG", "PG-13", "R", "NC-17", "Not Rated"}
	for i, film := range films {
		want.Read++
		released, err := time.Parse("Jan 02 2006", film["Release Date"].(string))
		if err != nil {
			t.Fatal(err)
		}
		title, known := film["Title"].(string)
		if number, ok := film["Title"].(float64); ok { // 1776
			title, known = fmt.Sprint(number), true
		}
		var broken []string
		if !known || film["US Gross"] == nil {
			broken = append(broken, "required")
		}
		if released.Year() > 2011 {
			broken = append(broken, "from the future")
		}
		if known && titles[title] {
			broken = append(broken, "title twice")
		}
		titles[title] = true
		if len(broken) > 0 {
			bad[i] = strings.Join(broken, ",")
			want.Failed++
			want.Failures[bad[i]]++
			continue
		}
		row := []any{title, film["Release Date"], film["US Gross"], film["IMDB Rating"], film["Director"], released.Format(time.DateOnly)}
		if gross, ok := row[2].(float64); ok {
			row[2] = int64(gross)
		}
		good[fmt.Sprint(row...)] = true
		want.Loaded++
		want.Inserted++
		if rating, ok := film["MPAA Rating"].(string); ok && !slices.Contains(ratings, rating) {
			want.Warned++
		}
	}
	return want, good, bad
}

// TestFailuresShow: the ledger tells why, to people.
func TestFailuresShow(t *testing.T) {
	p := exampletest.Copy(t)
	p.Run("movies")
	exit, out, errs := p.Lockstep("failures", "list", "movies", "--count")
	if exit != 0 || !strings.Contains(out, "from the future") {
		t.Errorf("exit code %d\n%s%s", exit, out, errs)
	}
}
