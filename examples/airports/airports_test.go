package airports_test

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/examples/exampletest"
)

// The days of the data.
const (
	firstDay  = "2026-07-23"
	secondDay = "2026-08-22"
)

// stream is what a stream of a job must do, said again in plain Go.
type stream struct {
	file, table string
	renamed     map[string]string
	change      func(row map[string]any)
	keep        func(row map[string]any) bool
	broken      func(row map[string]any) string // the rule; "" for none
	warned      func(row map[string]any) bool
}

var jobs = map[string][]stream{
	"runways": {{
		file: "runways.csv.gz", table: "runways",
		renamed: map[string]string{"le_ident": "low_end", "he_ident": "high_end"},
		change: func(row map[string]any) {
			if s, ok := row["surface"].(string); ok {
				row["surface"] = strings.ToUpper(strings.TrimSpace(s))
			}
		},
		keep: func(row map[string]any) bool { return row["closed"] == 0.0 },
		broken: func(row map[string]any) string {
			feet, known := row["length_ft"].(float64)
			switch {
			case row["airport_ident"] == nil:
				return "required"
			case known && (feet < 1 || feet > 30000):
				return "range"
			}
			return ""
		},
		warned: func(row map[string]any) bool {
			return row["lighted"] != nil && row["lighted"] != 0.0 && row["lighted"] != 1.0
		},
	}},
	"runways-plain": {{file: "runways.csv.gz", table: "runways_plain"}},
	"countries":     {{file: "countries.csv", table: "countries"}},
	"reference": {
		{
			file: "airport-frequencies.csv.gz", table: "frequencies",
			change: func(row map[string]any) {
				if row["description"] == nil {
					row["description"] = "unknown"
				}
			},
			broken: func(row map[string]any) string {
				if mhz := row["frequency_mhz"].(float64); mhz < 0.1 || mhz > 1000 {
					return "range"
				}
				return ""
			},
		},
		{file: "regions.csv.gz", table: "regions"},
	},
}

// day is the figures of a job's run, with its failures by rule and what its tables then hold.
type day struct {
	exampletest.Figures
	ByRule map[string]int `json:"failed_by_rule"`
	Tables map[string]int `json:"rows_in_table"`
}

// plainDayTwo is what the two files of runways differ by; it does not come from the code below.
var plainDayTwo = exampletest.Figures{Read: 48184, Loaded: 48184, Inserted: 53, Updated: 68, Unchanged: 48063, Deleted: 2}

// TestAirports runs each job on both days and compares the figures, and every cell that arrived, with its own reading of the files.
func TestAirports(t *testing.T) {
	for name, streams := range jobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := exampletest.Copy(t)
			tables := make([]map[string]map[string]any, len(streams))
			for i := range tables {
				tables[i] = map[string]map[string]any{}
			}
			want := map[string]day{}
			for _, d := range []string{firstDay, secondDay} {
				sum := day{ByRule: map[string]int{}, Tables: map[string]int{}}
				for i, s := range streams {
					sum.read(t, s, d, tables[i])
				}
				want[d] = sum

				p.Env["DAY"] = d
				r := p.Run(name)
				if same := name == "countries" && d == secondDay; same {
					sum.Figures = exampletest.Figures{} // the same file on both days
					want[d] = sum
				}
				if r.Figures() != sum.Figures {
					t.Errorf("%s: got %+v, want %+v", d, r.Figures(), sum.Figures)
				}
				if name == "runways-plain" && d == secondDay && r.Figures() != plainDayTwo {
					t.Errorf("%s: got %+v, want %+v", d, r.Figures(), plainDayTwo)
				}
				byRule := map[string]int{}
				for _, f := range p.Failures(r) {
					byRule[f.Rule]++
				}
				if !maps.Equal(byRule, sum.ByRule) {
					t.Errorf("%s: failures %v, want %v", d, byRule, sum.ByRule)
				}
				for i, s := range streams {
					compare(t, p, s, tables[i])
				}
				p.RunsNothing(name, "the same day again")
			}
			for _, s := range streams {
				p.Touch(filepath.Join("data", secondDay, s.file))
			}
			p.RunsNothing(name, "files with a new time")
			for _, s := range streams {
				if strings.HasSuffix(s.file, ".gz") {
					p.Recompress(filepath.Join("data", secondDay, s.file))
				}
			}
			p.RunsNothing(name, "files compressed again")
			exampletest.Expect(t, name+".json", want)
		})
	}
}

// TestTraps looks at values that loaders like to spoil.
func TestTraps(t *testing.T) {
	p := exampletest.Copy(t)
	p.Run("countries")
	p.Run("reference")
	for query, want := range map[string]string{
		"SELECT count(*) FROM countries WHERE code IS NULL OR continent IS NULL":  "[[0]]",
		"SELECT name FROM countries WHERE code = 'NA'":                            "[[Namibia]]",
		"SELECT count(*) FROM countries WHERE continent = 'NA'":                   "[[41]]",
		"SELECT count(*) FROM regions WHERE iso_country = 'NO'":                   "[[24]]",
		"SELECT local_code, typeof(local_code) FROM regions WHERE code = 'AD-02'": "[[02 text]]",
	} {
		if got := fmt.Sprint(p.Query("out/airports.db", query)); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

// read adds a stream's records of a day to the figures and to what the table must hold then.
func (d *day) read(t *testing.T, s stream, date string, table map[string]map[string]any) {
	t.Helper()
	seen, broken := map[string]bool{}, map[string]bool{}
	for _, row := range readCSV(t, filepath.Join("data", date, s.file)) {
		id := fmt.Sprint(row["id"])
		d.Read++
		if s.change != nil {
			s.change(row)
		}
		if s.keep != nil && !s.keep(row) {
			d.Filtered++
			continue
		}
		if s.broken != nil {
			if rule := s.broken(row); rule != "" {
				d.Failed++
				d.ByRule[rule]++
				broken[id] = true // it may be in the table from an earlier day, and stays
				continue
			}
		}
		if s.warned != nil && s.warned(row) {
			d.Warned++
		}
		for from, to := range s.renamed {
			row[to] = row[from]
			delete(row, from)
		}
		d.Loaded++
		seen[id] = true
		switch old, there := table[id]; {
		case !there:
			d.Inserted++
		case maps.Equal(old, row):
			d.Unchanged++
		default:
			d.Updated++
		}
		table[id] = row
	}
	for id := range table {
		if !seen[id] && !broken[id] {
			delete(table, id)
			d.Deleted++
		}
	}
	d.Tables[s.table] = len(table)
}

// number is what a column of numbers holds; 02 is none.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// readCSV reads a file: empty fields are nil, fields of columns that hold only numbers are float64, the others text.
func readCSV(t *testing.T, file string) []map[string]any {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var in io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	records, err := csv.NewReader(in).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	header, records := records[0], records[1:]
	numbers := make([]bool, len(header))
	for i := range header {
		numbers[i] = !slices.ContainsFunc(records, func(r []string) bool { return r[i] != "" && !number.MatchString(r[i]) })
	}
	rows := make([]map[string]any, len(records))
	for n, r := range records {
		row := make(map[string]any, len(header))
		for i, name := range header {
			switch {
			case r[i] == "":
				row[name] = nil
			case numbers[i]:
				row[name], err = strconv.ParseFloat(r[i], 64)
			default:
				row[name] = r[i]
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		rows[n] = row
	}
	return rows
}

// compare holds every cell of a table against what it must hold.
func compare(t *testing.T, p *exampletest.Project, s stream, want map[string]map[string]any) {
	t.Helper()
	var names []string
	for _, c := range p.Query("out/airports.db", "SELECT name FROM pragma_table_info('"+s.table+"')") {
		names = append(names, c[0].(string))
	}
	rows := p.Query("out/airports.db", "SELECT * FROM "+s.table)
	if len(rows) != len(want) {
		t.Errorf("%s holds %d rows, want %d", s.table, len(rows), len(want))
	}
	wrong := 0
	for _, cells := range rows {
		got := map[string]any{}
		for i, name := range names {
			got[name] = cells[i]
			if n, ok := cells[i].(int64); ok {
				got[name] = float64(n)
			}
		}
		id := fmt.Sprint(got["id"])
		if w := want[id]; !maps.Equal(got, w) {
			if wrong++; wrong <= 3 {
				t.Errorf("%s %s:\ngot  %v\nwant %v", s.table, id, got, w)
			}
		}
	}
	if wrong > 3 {
		t.Errorf("%s: %d rows in all are wrong", s.table, wrong)
	}
}
