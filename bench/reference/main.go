// Command reference is what somebody would write by hand for the works of the benchmark: read CSV with encoding/csv, rename, filter,
// upper, and write NDJSON by encoding/json from a map for each record, or CSV by encoding/csv. It uses all cores: records are read by
// one goroutine, worked on and encoded by as many as there are cores, and written in order by another. It keeps no state, no
// checkpoint and no receipt, and a crash leaves half a file.
//
//	reference ndjson|csv <input> <output>
package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// chunkRows is how many records are handed from one goroutine to another at once.
const chunkRows = 2000

// The work, the same as in the jobs of the benchmark.
const (
	renamed     = "extendedprice"
	renamedTo   = "price"
	uppered     = "comment"
	filtered    = "quantity"
	minQuantity = 10
)

var (
	whole = []string{"orderkey", "partkey", "suppkey", "linenumber", "quantity"}
	money = []string{"extendedprice", "discount", "tax"}
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: reference ndjson|csv <input> <output>")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// chunk is some records on their way; done gets their text.
type chunk struct {
	records [][]string
	done    chan encoded
}

type encoded struct {
	text []byte
	err  error
}

func run(format, input, output string) (err error) {
	in, err := os.Open(input)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(output)
	if err != nil {
		return err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	r := csv.NewReader(bufio.NewReaderSize(in, 1<<20))
	header, err := r.Read()
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	encode := newObjects(header)
	switch format {
	case "ndjson":
	case "csv":
		encode = newLines(header)
		if err := csv.NewWriter(w).Write(rename(header)); err != nil {
			return err
		}
	default:
		return fmt.Errorf("format %q is not known", format)
	}
	if err := work(r, w, encode); err != nil {
		return err
	}
	return w.Flush()
}

// work reads, encodes on all cores, and writes in order.
func work(r *csv.Reader, w io.Writer, encode func([][]string) ([]byte, error)) error {
	todo, order := make(chan chunk), make(chan chunk, 2*runtime.GOMAXPROCS(0))
	var readErr error
	go func() {
		defer close(order)
		defer close(todo)
		for end := false; !end; {
			c := chunk{done: make(chan encoded, 1)}
			c.records, end, readErr = read(r)
			if readErr != nil {
				return
			}
			order <- c
			todo <- c
		}
	}()
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for c := range todo {
				text, err := encode(c.records)
				c.done <- encoded{text, err}
			}
		}()
	}
	for c := range order {
		e := <-c.done
		if e.err != nil {
			return e.err
		}
		if _, err := w.Write(e.text); err != nil {
			return err
		}
	}
	return readErr
}

func read(r *csv.Reader) (records [][]string, end bool, err error) {
	records = make([][]string, 0, chunkRows)
	for len(records) < chunkRows {
		record, err := r.Read()
		if err == io.EOF {
			return records, true, nil
		}
		if err != nil {
			return nil, false, err
		}
		records = append(records, record)
	}
	return records, false, nil
}

func rename(header []string) []string {
	out := slices.Clone(header)
	for i, h := range out {
		if h == renamed {
			out[i] = renamedTo
		}
	}
	return out
}

// newObjects makes NDJSON: whole numbers and money as numbers, everything else as text.
func newObjects(header []string) func([][]string) ([]byte, error) {
	return func(records [][]string) ([]byte, error) {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		for _, fields := range records {
			object := make(map[string]any, len(header))
			for i, name := range header {
				switch {
				case slices.Contains(whole, name):
					n, err := strconv.ParseInt(fields[i], 10, 64)
					if err != nil {
						return nil, err
					}
					object[name] = n
				case slices.Contains(money, name):
					object[name] = json.Number(fields[i])
				default:
					object[name] = fields[i]
				}
			}
			object[renamedTo] = object[renamed]
			delete(object, renamed)
			if object[filtered].(int64) < minQuantity {
				continue
			}
			object[uppered] = strings.ToUpper(object[uppered].(string))
			if err := enc.Encode(object); err != nil {
				return nil, err
			}
		}
		return out.Bytes(), nil
	}
}

// newLines makes CSV.
func newLines(header []string) func([][]string) ([]byte, error) {
	upper, filter := slices.Index(header, uppered), slices.Index(header, filtered)
	return func(records [][]string) ([]byte, error) {
		var out bytes.Buffer
		w := csv.NewWriter(&out)
		for _, fields := range records {
			n, err := strconv.ParseInt(fields[filter], 10, 64)
			if err != nil {
				return nil, err
			}
			if n < minQuantity {
				continue
			}
			fields[upper] = strings.ToUpper(fields[upper])
			if err := w.Write(fields); err != nil {
				return nil, err
			}
		}
		w.Flush()
		return out.Bytes(), w.Error()
	}
}
