package jsonata

import (
	"fmt"
	"testing"
)

func TestFormatInteger(t *testing.T) {
	for _, c := range []struct {
		n             int64
		picture, want string
	}{
		{0, "0", "0"}, {123, "0", "123"}, {7, "0001", "0007"}, {1234567, "#,##0", "1,234,567"}, {999, "#,##0", "999"}, {-12, "#0", "-12"},
		{12, "0;o", "12th"}, {21, "0;o", "21st"}, {102, "0;o", "102nd"}, {113, "0;o", "113th"}, {12, "٠٠٠", "٠١٢"},
		{1999, "I", "MCMXCIX"}, {4, "i", "iv"}, {1, "A", "A"}, {27, "a", "aa"}, {702, "A", "ZZ"},
		{0, "w", "zero"}, {15, "w", "fifteen"}, {80, "W", "EIGHTY"}, {555, "w", "five hundred and fifty-five"},
		{1234567, "w", "one million, two hundred and thirty-four thousand, five hundred and sixty-seven"}, {1001, "Ww", "One Thousand and One"},
		{3, "w;o", "third"}, {20, "w;o", "twentieth"}, {42, "Ww;o", "Forty-Second"}, {100, "w;o", "one hundredth"},
	} {
		got, err := evalText(t, fmt.Sprintf(`$formatInteger(%d, %q)`, c.n, c.picture))
		if want := fmt.Sprintf("%q", c.want); err != nil || got != want {
			t.Errorf("%d with %s is %s, %v; want %s", c.n, c.picture, got, err, want)
		}
	}
	for _, bad := range []string{`$formatInteger(1, "")`, `$formatInteger(1, "x")`, `$formatInteger(1, "0,00,0")`, `$formatInteger(1e300, "0")`, `$parseInteger("blue", "w")`, `$parseInteger("1x", "0")`} {
		if got, err := evalText(t, bad); err == nil {
			t.Errorf("%s gives %s", bad, got)
		}
	}
}

func TestParseInteger_ReadsWhatFormatIntegerWrites(t *testing.T) {
	for _, picture := range []string{"0", "000", "#,##0", "0;o", "I", "a", "w", "W", "Ww", "w;o"} {
		for _, n := range []int64{1, 2, 9, 10, 11, 12, 19, 20, 21, 99, 100, 101, 110, 345, 999, 1000, 1001, 1100, 1999, 2345} {
			got, err := evalText(t, fmt.Sprintf(`$parseInteger($formatInteger(%d, %q), %q)`, n, picture, picture))
			if err != nil || got != fmt.Sprint(n) {
				t.Errorf("%d with %s comes back as %s, %v", n, picture, got, err)
			}
		}
	}
}

func TestURLFunctions(t *testing.T) {
	for expr, want := range map[string]string{
		`$encodeUrlComponent("?x=test a!*'()é")`:            `"%3Fx%3Dtest%20a!*'()%C3%A9"`,
		`$encodeUrl("https://a.b/c d?x=ü&y=1#z")`:           `"https://a.b/c%20d?x=%C3%BC&y=1#z"`,
		`$decodeUrl("https://a.b/c%20d?x=%C3%BC")`:          `"https://a.b/c d?x=ü"`,
		`$decodeUrlComponent("%3Fx%3Dtest%20a+b")`:          `"?x=test a+b"`,
		`$decodeUrlComponent($encodeUrlComponent("ö/ä ?"))`: `"ö/ä ?"`,
	} {
		if got, err := evalText(t, expr); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", expr, got, err, want)
		}
	}
}
