package file_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// spectrumDiffers lists the cases of csv-spectrum that are treated differently here, each with the reason.
var spectrumDiffers = map[string]string{
	"location_coordinates": "a quote inside a field without quotes fails its record unless lazy_quotes is set, and the corpus expects one object with another telephone number",
}

// TestCorpus_CSVSpectrum reads the files of the package csv-spectrum and expects the objects that it expects.
func TestCorpus_CSVSpectrum(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "out", "corpora", "csv-spectrum-2.0.0")
	files, _ := filepath.Glob(filepath.Join(dir, "csvs", "*.csv"))
	if len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("csv-spectrum is not there: make corpora")
		}
		t.Skip("csv-spectrum is not there: make corpora fetches it")
	}
	if len(files) != 12 {
		t.Errorf("%d files, want 12", len(files))
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".csv")
		t.Run(name, func(t *testing.T) {
			got, rejects, err := spectrum(t, f)
			var want []map[string]string
			text, _ := os.ReadFile(filepath.Join(dir, "json", name+".json"))
			same := json.Unmarshal(text, &want) == nil && err == nil && rejects == 0 && cmp.Equal(want, got)
			if reason, differs := spectrumDiffers[name]; differs {
				if same {
					t.Errorf("is the same after all; it was to differ: %s", reason)
				}
				return
			}
			if !same {
				t.Errorf("%d rejects, error %v, (-want +got):\n%s", rejects, err, cmp.Diff(want, got))
			}
		})
	}
}

// spectrum reads a CSV file whose columns are all texts, and nothing is null.
func spectrum(t *testing.T, file string) (rows []map[string]string, rejects int, err error) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "in.csv", text)
	head, _, _ := strings.Cut(string(text), "\n")
	columns := map[string]record.Type{}
	for _, name := range strings.Split(strings.TrimSuffix(head, "\r"), ",") {
		columns[name] = record.Type{Kind: record.String}
	}
	src := openSource(t, dir, map[string]any{"path": "in.csv", "null_values": []any{}})
	o, err := scenario{src: src, stream: job.Stream{Columns: columns}}.run(t.Context())
	for _, line := range o.lines {
		row := map[string]string{}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows, len(o.rejects), err
}
