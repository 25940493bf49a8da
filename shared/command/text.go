package command

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// palette colours text, or leaves it as it is.
type palette bool

// The escape sequences of the colours in use.
const (
	sgrReset  = "\x1b[0m"
	sgrBold   = "\x1b[1m"
	sgrDim    = "\x1b[2m"
	sgrRed    = "\x1b[31m"
	sgrGreen  = "\x1b[32m"
	sgrYellow = "\x1b[33m"
)

func (p palette) paint(sgr, s string) string {
	if !p || s == "" {
		return s
	}
	return sgr + s + sgrReset
}

func (p palette) bold(s string) string   { return p.paint(sgrBold, s) }
func (p palette) dim(s string) string    { return p.paint(sgrDim, s) }
func (p palette) red(s string) string    { return p.paint(sgrRed, s) }
func (p palette) yellow(s string) string { return p.paint(sgrYellow, s) }

// status colours the state of a run, a lock or a probe.
func (p palette) status(s string) string {
	switch strings.TrimSpace(strings.ToLower(s)) {
	case "succeeded", "ok", "alive":
		return p.paint(sgrGreen, s)
	case "failed", "fail", "ignored", "aborted", "error", "dead", "degraded":
		return p.red(s)
	case "partial", "skipped", "warn", "running", "in_progress", "recovering":
		return p.yellow(s)
	}
	return s
}

// table lays cells out in columns that are two spaces apart.
type table struct {
	head  []string
	rows  [][]string
	right []int // columns of numbers
	paint func(column int, cell string) string
	below map[int]string // text under a row, by its index
	least int            // width below which the last column is not cut; 0: 20
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// under puts a line below the row that was added last.
func (t *table) under(text string) {
	if t.below == nil {
		t.below = map[int]string{}
	}
	t.below[len(t.rows)-1] = text
}

// write prints the table. Width bounds its lines by cutting the last column, never below t.least characters; 0 cuts nothing.
func (t *table) write(w io.Writer, p palette, width int) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	last := len(t.head) - 1
	if width > 0 {
		used := 0
		for _, n := range widths[:last] {
			used += n + 2
		}
		widths[last] = min(widths[last], max(width-used, cmp.Or(t.least, 20)))
	}
	fmt.Fprintln(w, p.dim(t.line(t.head, widths, nil)))
	for i, row := range t.rows {
		fmt.Fprintln(w, t.line(row, widths, t.paint))
		if below := t.below[i]; below != "" {
			fmt.Fprintln(w, "  "+below)
		}
	}
}

func (t *table) line(row []string, widths []int, paint func(int, string) string) string {
	var b strings.Builder
	for i, cell := range row {
		cell = shorten(cell, widths[i])
		pad := strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(cell), 0))
		shown := cell
		if paint != nil {
			shown = paint(i, cell)
		}
		if i > 0 {
			b.WriteString("  ")
		}
		if isIn(t.right, i) {
			b.WriteString(pad + shown)
		} else {
			b.WriteString(shown + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func isIn(list []int, n int) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}

// shorten cuts a text to n characters, the last being "…", and puts it on one line.
func shorten(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if n <= 0 || utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// wrap breaks a text into lines of at most width characters behind an indent of spaces; words stay whole.
func wrap(s string, indent, width int) string {
	var lines []string
	pad := strings.Repeat(" ", indent)
	for _, paragraph := range strings.Split(s, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			if line != "" && indent+utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
				lines = append(lines, pad+line)
				line = ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		lines = append(lines, pad+line)
	}
	return strings.Join(lines, "\n")
}

// count writes a number with commas between the thousands.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// plural writes a number with its noun.
func plural(n int64, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return count(n) + " " + strings.TrimSuffix(noun, "y") + "ies"
	case strings.HasSuffix(noun, "ch"):
		return count(n) + " " + noun + "es"
	}
	return count(n) + " " + noun + "s"
}

// span writes how long something took.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// ago writes how long before now a time was.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	switch {
	case d < -time.Minute:
		return "in the future"
	case d < 2*time.Second:
		return "just now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// rate writes records per second; "" when nothing can be said.
func rate(records int64, d time.Duration) string {
	if d <= 0 || records == 0 {
		return ""
	}
	return count(int64(float64(records)/d.Seconds())) + "/s"
}

// size writes bytes in the largest unit that leaves at least one of it.
func size(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d %s", n, units[i])
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// stamp writes a time for people, UTC.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// shellLine joins words so that a shell takes them apart again.
func shellLine(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		if w == "" || strings.ContainsAny(w, " \t\n\"'$`\\|&;<>()*?[]#~!{}") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		out[i] = w
	}
	return strings.Join(out, " ")
}
