package record

import (
	"bytes"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// The checksum of a stored batch is xxhash64 of the whole file without the checksum's own digits, 16 in hexadecimal. An Arrow file
// holds its schema twice, before the columns and in the footer, so the digits stand twice in it, each time behind the mark: the
// first and the last mark of the file, since neither the header's JSON nor a column's name can hold it. It is compared before
// anything else is read: a damaged length would make the Arrow reader ask for more memory than there is.
const (
	sumMark = "\x01xxh64:"
	noSum   = "0000000000000000"
)

// sums finds both places of the digits.
func sums(data []byte) (first, last []byte, sum string) {
	i, j := bytes.Index(data, []byte(sumMark)), bytes.LastIndex(data, []byte(sumMark))
	if i < 0 || i == j {
		return nil, nil, ""
	}
	i, j = i+len(sumMark), j+len(sumMark)
	if i+len(noSum) > j || j+len(noSum) > len(data) {
		return nil, nil, ""
	}
	d := xxhash.New()
	_, _ = d.Write(data[:i])
	_, _ = d.Write(data[i+len(noSum) : j])
	_, _ = d.Write(data[j+len(noSum):])
	return data[i : i+len(noSum)], data[j : j+len(noSum)], fmt.Sprintf("%016x", d.Sum64())
}

// seal writes the checksum into a file, and says whether there is a place for it.
func seal(data []byte) bool {
	first, last, sum := sums(data)
	copy(first, sum)
	copy(last, sum)
	return sum != ""
}

// verify says whether the checksum fits, and whether there is one.
func verify(data []byte) (whole, sealed bool) {
	first, last, sum := sums(data)
	return sum != "" && string(first) == sum && string(last) == sum, sum != ""
}
