package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// MaxFile is the largest size of a YAML file, in bytes.
const MaxFile = 1 << 20

// parseText reads the one document of a YAML file. It answers nil and exactly one problem when the text is none.
func parseText(file string, data []byte) (*yaml.Node, *fault.Problem) {
	if p := checkText(file, data); p != nil {
		return nil, p
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := decodeNode(dec, &doc)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, textProblem(file, data, err)
	}
	if err != nil || doc.Content[0].ShortTag() == "!!null" {
		return nil, &fault.Problem{File: file, Line: 1, Column: 1, Code: "empty", Message: "the file is empty", Hint: "lockstep init writes one to begin with"}
	}
	switch err := decodeNode(dec, &second); {
	case err == nil:
		return nil, &fault.Problem{File: file, Line: max(second.Line, 1), Column: max(second.Column, 1), Code: "several_documents",
			Message: "a second document begins here", Hint: "one job a file: move what follows --- to a file of its own"}
	case !errors.Is(err, io.EOF):
		return nil, textProblem(file, data, err)
	}
	return doc.Content[0], nil
}

// decodeNode decodes one document. The YAML module recovers its own panics only; any other on hostile text must not end the process.
func decodeNode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: the text cannot be read: %v", r)
		}
	}()
	return dec.Decode(n)
}

// checkText refuses what is no YAML text at all, with the line of the first offence.
func checkText(file string, data []byte) *fault.Problem {
	at := func(offset int, code, message, hint string) *fault.Problem {
		line := 1 + bytes.Count(data[:offset], []byte("\n"))
		column := utf8.RuneCount(data[bytes.LastIndexByte(data[:offset], '\n')+1:offset]) + 1
		return &fault.Problem{File: file, Line: line, Column: column, Code: code, Message: message, Hint: hint}
	}
	if len(data) > MaxFile {
		return at(MaxFile, "too_large", fmt.Sprintf("the file is larger than %d bytes", MaxFile), "")
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			return at(i, "not_utf8", fmt.Sprintf("byte 0x%02x is not UTF-8", data[i]), "save the file as UTF-8")
		case r == 0:
			return at(i, "control_character", "a NUL byte", "is this a text file?")
		case r == '\r' && !bytes.HasPrefix(data[i:], []byte("\r\n")), r == 0x85, r == 0x2028, r == 0x2029:
			return at(i, "line_break", fmt.Sprintf("U+%04X breaks lines for some and not for others", r), "end lines with a line feed, and write it as an escape in double quotes")
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
			return at(i, "control_character", fmt.Sprintf("the control character U+%04X", r), `write it as an escape in double quotes, as in "\u001b"`)
		}
		i += size
	}
	return nil
}

var (
	lineForm   = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)
	anchorForm = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// textProblem turns an error of the YAML module into a problem with a line and, where the cause is a usual one, with what to do.
func textProblem(file string, data []byte, err error) *fault.Problem {
	p := &fault.Problem{File: file, Line: 1, Code: "bad_yaml", Message: err.Error()}
	if m := lineForm.FindStringSubmatch(err.Error()); m != nil {
		p.Message = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			p.Line = n
		}
	}
	lines := strings.Split(string(data), "\n")
	switch {
	case anchorForm.MatchString(p.Message):
		name := anchorForm.FindStringSubmatch(p.Message)[1]
		p.Line = 1 + indexLine(lines, func(l string) bool { return strings.Contains(l, "*"+name) })
		p.Code, p.Message, p.Hint = "unknown_anchor", fmt.Sprintf("the anchor *%s is not defined above", name), "define it with &"+name+", or put the text in quotes"
		return p
	case strings.HasPrefix(p.Message, "did not find expected"):
		p.Line = failingLine(lines, err.Error())
		p.Hint = "look at the indentation, the brackets and the quotes from here on"
	case strings.Contains(p.Message, "mapping values are not allowed"):
		p.Hint = `a text that holds ": " wants quotes; else look at the indentation`
	}
	p.Line = min(max(p.Line, 1), len(lines))
	tab := indexLine(lines, func(l string) bool {
		return strings.Contains(l[:len(l)-len(strings.TrimLeft(l, " \t"))], "\t") && strings.TrimSpace(l) != ""
	})
	if tab >= 0 && tab+1 <= p.Line+1 {
		p.Line, p.Code, p.Message, p.Hint = tab+1, "tab", "a tab indents this line", "YAML wants spaces"
	}
	return p
}

// failingLine finds the line at which the text stops being YAML: the end of the shortest beginning that fails in the same way. The
// module itself names the line where the surrounding list or map begins, counted from zero, or none.
func failingLine(lines []string, message string) int {
	return 1 + sort.Search(len(lines)-1, func(i int) bool {
		var n yaml.Node
		err := decodeNode(yaml.NewDecoder(strings.NewReader(strings.Join(lines[:i+1], "\n"))), &n)
		return err != nil && err.Error() == message
	})
}

// indexLine gives the index of the first line that fits, or -1.
func indexLine(lines []string, fits func(string) bool) int {
	for i, l := range lines {
		if fits(l) {
			return i
		}
	}
	return -1
}
