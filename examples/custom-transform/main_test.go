package main

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/examples/exampletest"
)

// TestCustomTransform compares what the function made of each runway with another formula for the same distance.
func TestCustomTransform(t *testing.T) {
	p := exampletest.Copy(t)
	p.Main = run
	want := map[int64]float64{} // feet by id, of what must be loaded
	refused := map[string]bool{}
	var figures exampletest.Figures
	for _, row := range readCSV(t, "data/runways.csv.gz") {
		figures.Read++
		feet, known := distance(row)
		length, err := strconv.ParseFloat(row["length_ft"], 64)
		switch {
		case !known:
			figures.Filtered++
		case err == nil && length > 0 && math.Abs(feet-length) > length/10:
			figures.Failed++
			refused["["+row["id"]+"]"] = true
		default:
			figures.Loaded++
			figures.Inserted++
			id, err := strconv.ParseInt(row["id"], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			want[id] = feet
		}
	}

	r := p.Run("runways")
	if r.Figures() != figures {
		t.Errorf("got %+v, want %+v", r.Figures(), figures)
	}
	for _, f := range p.Failures(r) {
		if !refused[f.Key] || f.Phase != "transform" || !strings.Contains(f.Message, "ft apart") {
			t.Errorf("unexpected failure: %+v", f)
		}
		delete(refused, f.Key)
	}
	if len(refused) > 0 {
		t.Errorf("not in the failure ledger: %v", refused)
	}
	for _, row := range p.Query("out/runways.db", "SELECT id, measured_ft FROM runways") {
		id, feet := row[0].(int64), row[1].(int64)
		if math.Abs(float64(feet)-want[id]) > 1 {
			t.Errorf("runway %d: got %d ft, want %.1f", id, feet, want[id])
		}
		delete(want, id)
	}
	if len(want) > 0 {
		t.Errorf("%d runways did not arrive", len(want))
	}

	p.RunsNothing("runways", "nothing new")
	p.Touch("data/runways.csv.gz")
	p.RunsNothing("runways", "a file with a new time")
	p.Recompress("data/runways.csv.gz")
	p.RunsNothing("runways", "a file compressed again")
	exampletest.Expect(t, "figures.json", figures)
}

// TestUnknownFunction: the command without the function says what is missing.
func TestUnknownFunction(t *testing.T) {
	p := exampletest.Copy(t)
	exit, out, errs := p.Lockstep("check", "runways")
	if exit != 2 || !strings.Contains(out+errs, `"measure"`) {
		t.Errorf("exit code %d\n%s%s", exit, out, errs)
	}
}

// distance is by the angle between two directions from the middle of the earth.
func distance(row map[string]string) (feet float64, known bool) {
	var v [4]float64
	for i, name := range []string{"le_latitude_deg", "le_longitude_deg", "he_latitude_deg", "he_longitude_deg"} {
		degrees, err := strconv.ParseFloat(row[name], 64)
		if err != nil {
			return 0, false
		}
		v[i] = degrees / 180 * math.Pi
	}
	point := func(lat, lon float64) [3]float64 {
		return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
	}
	a, b := point(v[0], v[1]), point(v[2], v[3])
	chord := math.Sqrt(math.Pow(a[0]-b[0], 2) + math.Pow(a[1]-b[1], 2) + math.Pow(a[2]-b[2], 2))
	return 2 * 20902231 * math.Asin(chord/2), true
}

func readCSV(t *testing.T, file string) []map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = r[i]
		}
		out = append(out, row)
	}
	return out
}
