package blob

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A key is the path of its file. Characters that a path cannot carry stand in it as __0x2f__, the hexadecimal number of the character:
// control characters, a slash that would be lost (the first and the last character, behind another slash, behind two dots), and the
// first underscore of what would read like such a number. Keys that would be the name of a file of the bucket's own get their dot
// written so.
const (
	mark    = "__0x"
	markEnd = "__"
)

// lockName is the file by whose lock processes take turns.
const lockName = ".lockstep-lock"

// leftover is the name of a file that is being written, or was when its process ended.
var leftover = regexp.MustCompile(`\.[0-9a-f]{16}\.tmp$`)

// onWindows says whether the rules for names there hold too.
const onWindows = os.PathSeparator == '\\'

// escape gives the path of a key's file, with slashes. Two keys never have the same path.
func escape(key string) string {
	var b strings.Builder
	for i, c := range key {
		if escaped(key, i, c) {
			fmt.Fprintf(&b, "%s%x%s", mark, c, markEnd)
		} else {
			b.WriteRune(c)
		}
	}
	p := b.String()
	if p == lockName || leftover.MatchString(p) {
		dot := strings.LastIndexByte(p, '.')
		p = fmt.Sprintf("%s%s%x%s%s", p[:dot], mark, '.', markEnd, p[dot+1:])
	}
	return p
}

// escaped says whether the character c at key[i] cannot stand in a path.
func escaped(key string, i int, c rune) bool {
	switch {
	case c < ' ':
		return true
	case c == '/':
		return i == 0 || i == len(key)-1 || key[i-1] == '/' || strings.HasSuffix(key[:i], "..")
	case c == '_':
		return strings.HasPrefix(key[i:], mark)
	}
	return onWindows && strings.ContainsRune(`\<>:"|?*`, c)
}

// unescape gives the key of a file's path; false when no key has this path.
func unescape(p string) (string, bool) {
	key := expand(p)
	return key, escape(key) == p
}

// expand puts characters in the place of their numbers.
func expand(p string) string {
	var b strings.Builder
	for p != "" {
		at := strings.Index(p, mark)
		if at < 0 {
			break
		}
		digits, rest, ok := strings.Cut(p[at+len(mark):], markEnd)
		n, err := strconv.ParseUint(digits, 16, 21)
		if !ok || err != nil || !utf8.ValidRune(rune(n)) {
			b.WriteString(p[:at+1])
			p = p[at+1:]
			continue
		}
		b.WriteString(p[:at])
		b.WriteRune(rune(n))
		p = rest
	}
	b.WriteString(p)
	return b.String()
}

// startOf gives the folder in which all files lie whose keys begin with a prefix.
func startOf(prefix string) string {
	lead := prefix[:strings.LastIndexByte(prefix, '/')+1]
	return path.Dir(escape(lead + "x"))
}
