package file

import (
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/cell"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/csv"
)

// desk looks at the values of CSV records beside the one who finds them in the file: that takes about as long. In which order values are
// looked at makes no difference to what is guessed.
type desk struct {
	c       *config
	scanner *csv.Scanner // for Unescape only
	guesses []cell.Guess
	filling *stack
	full    chan *stack
	empty   chan *stack
	ended   chan struct{}
	text    []byte
}

// stack is some records: their bytes one behind the other, and their fields, as many for each.
type stack struct {
	bytes  []byte
	ends   []int
	fields []csv.Field
}

// How much is handed over at once, and how many stacks there are: one to fill, one to look at, one between.
const (
	stackBytes  = 256 << 10
	stackFields = 8 << 10
	stacks      = 3
)

func newDesk(c *config, s *csv.Scanner, columns int) *desk {
	d := &desk{
		c: c, scanner: s, guesses: make([]cell.Guess, columns), filling: new(stack),
		full: make(chan *stack, stacks), empty: make(chan *stack, stacks), ended: make(chan struct{}),
	}
	for range stacks - 1 {
		d.empty <- new(stack)
	}
	go d.work()
	return d
}

// add takes a copy of a record.
func (d *desk) add(record []byte, fields []csv.Field) {
	s := d.filling
	s.bytes, s.fields = append(s.bytes, record...), append(s.fields, fields...)
	s.ends = append(s.ends, len(s.bytes))
	if len(s.bytes) >= stackBytes || len(s.fields) >= stackFields {
		d.full <- s
		d.filling = <-d.empty
	}
}

// close adds what was found to guesses, once all records are looked at.
func (d *desk) close(guesses []cell.Guess) {
	d.full <- d.filling
	close(d.full)
	<-d.ended
	for i := range guesses {
		guesses[i].Merge(d.guesses[i])
	}
}

func (d *desk) work() {
	defer close(d.ended)
	for s := range d.full {
		begin, columns := 0, len(d.guesses)
		for n, end := range s.ends {
			d.look(s.bytes[begin:end], s.fields[n*columns:(n+1)*columns])
			begin = end
		}
		s.bytes, s.ends, s.fields = s.bytes[:0], s.ends[:0], s.fields[:0]
		d.empty <- s
	}
}

// look notes the values of a record that is clean text.
func (d *desk) look(record []byte, fields []csv.Field) {
	if ok, _ := cell.CleanText(record); !ok {
		return
	}
	for i, f := range fields {
		v := record[f.Lo:f.Hi]
		if f.Escaped {
			d.text = d.scanner.Unescape(d.text[:0], v)
			v = d.text
		}
		if !d.c.isNull(v, f.Quoted) {
			d.guesses[i].Text(v)
		}
	}
}
