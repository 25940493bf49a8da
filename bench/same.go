package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
)

// same compares two files row by row, by their values: the order of an object's fields and needless quotes do not count.
func same(format, one, other string) error {
	a, err := os.Open(one)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	b, err := os.Open(other)
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	if format == "csv" {
		return sameLines(a, b)
	}
	return sameObjects(a, b)
}

func sameLines(a, b io.Reader) error {
	ours, refs := csv.NewReader(bufio.NewReader(a)), csv.NewReader(bufio.NewReader(b))
	ours.ReuseRecord, refs.ReuseRecord = true, true
	for row := 0; ; row++ {
		x, errX := ours.Read()
		y, errY := refs.Read()
		switch {
		case errX == io.EOF && errY == io.EOF:
			return atLeastOne(row - 1)
		case errX != nil || errY != nil:
			return fmt.Errorf("row %d: %v, and the reference: %v", row, errX, errY)
		case !slices.Equal(x, y):
			return fmt.Errorf("row %d is %q, of the reference %q", row, x, y)
		}
	}
}

func sameObjects(a, b io.Reader) error {
	ours, refs := bufio.NewReaderSize(a, 1<<20), bufio.NewReaderSize(b, 1<<20)
	for row := 0; ; row++ {
		x, errX := ours.ReadBytes('\n')
		y, errY := refs.ReadBytes('\n')
		switch {
		case errX == io.EOF && errY == io.EOF && len(x)+len(y) == 0:
			return atLeastOne(row)
		case errX != nil || errY != nil:
			return fmt.Errorf("row %d: %v, and the reference: %v", row, errX, errY)
		}
		var p, q map[string]any
		if err := decode(x, &p); err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
		if err := decode(y, &q); err != nil {
			return fmt.Errorf("row %d of the reference: %w", row, err)
		}
		if !reflect.DeepEqual(p, q) {
			return fmt.Errorf("row %d is %s, of the reference %s", row, x, y)
		}
	}
}

func decode(text []byte, into *map[string]any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}

// atLeastOne makes sure that two empty files are not taken for a proof.
func atLeastOne(rows int) error {
	if rows < 1 {
		return fmt.Errorf("there are %d rows", rows)
	}
	return nil
}
