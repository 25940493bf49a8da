package expr

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// testSchema has a column of every type, and names that need quotes.
var testSchema = schemaOf("i int", "j int", "f float", "d decimal(10,2)", "e decimal(6,4)", "b bool", "c bool", "s string", "t string",
	"y bytes", "day date", "clock time", "at timestamp", "z timestamptz", "u uuid", "p json", "odd name string", "in int")

func schemaOf(columns ...string) record.Schema {
	var s record.Schema
	for _, c := range columns {
		i := strings.LastIndexByte(c, ' ')
		t, err := record.ParseType(c[i+1:])
		if err != nil {
			panic(err)
		}
		s.Columns = append(s.Columns, record.Column{Name: c[:i], Type: t})
	}
	return s
}

// testRows are text forms in the order of testSchema; "" is null.
var testRows = [][]string{
	{"7", "2", "2.5", "12.50", "1.2500", "true", "false", " Héllo ", "é", "AQID", "2026-08-22", "17:03:59", "2026-08-22T17:03:59.25", "2026-08-22T23:30:00Z",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8", `{"a":{"b":[1,2.0,"x",null]},"n":5,"s":"q\"t","z":null,"list":[{"k":1},{"k":3}]}`, "odd", "1"},
	{"-7", "0", "-0.5", "-0.01", "0.0001", "false", "true", "ASPH", "", "", "1969-12-31", "00:00:00", "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00Z",
		"00000000-0000-0000-0000-000000000000", `[3,1,2]`, "x", "2"},
	{"", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", ""},
	{fmt.Sprint(math.MaxInt64), "-1", "1e300", "99999999.99", "99.9999", "true", "true", "a,b,c", "b", "/w==", "2000-02-29", "23:59:59.999999", "2000-02-29T00:00:00", "2000-02-29T12:00:00Z",
		"ffffffff-ffff-ffff-ffff-ffffffffffff", `"text"`, "", "3"},
}

func batchOf(s record.Schema, rows [][]string) record.Batch {
	b := record.NewBuilder(s)
	for _, row := range rows {
		for i, text := range row {
			if text == "" {
				b.Column(i).AppendNull()
			} else if err := record.ParseText(b.Column(i), s.Columns[i].Type, text); err != nil {
				panic(err)
			}
		}
	}
	return record.New(s, b.Rows())
}

// results gives the values of an expression as JSON, and errors as "! message".
func results(t testing.TB, src string, s record.Schema, b record.Batch) []string {
	t.Helper()
	p, err := Compile(src, s)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	col, refused, err := p.Eval(b)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	out := make([]string, b.Len())
	for row := range out {
		out[row] = string(record.AppendJSON(nil, col, p.Type(), row))
	}
	for _, r := range refused {
		out[r.Row] = "! " + r.Message
	}
	return out
}

// vectors are expressions with the results for testRows, parted by " | ".
var vectors = []struct{ src, want string }{
	// columns and literals
	{`i`, `7 | -7 | null | 9223372036854775807`},
	{`$["odd name"]`, `"odd" | "x" | null | null`},
	{`$["in"] + 1`, `2 | 3 | null | 4`},
	{`d`, `12.50 | -0.01 | null | 99999999.99`},
	{`u`, `"6ba7b810-9dad-11d1-80b4-00c04fd430c8" | "00000000-0000-0000-0000-000000000000" | null | "ffffffff-ffff-ffff-ffff-ffffffffffff"`},
	{`"x"`, `"x" | "x" | "x" | "x"`},
	{`int(null)`, `null | null | null | null`},
	// arithmetic
	{`i + j`, `9 | -7 | null | 9223372036854775806`},
	{`i + 1`, `8 | -6 | null | ! the result is beyond 64 bits`},
	{`i * 2 - 1`, `13 | -15 | null | ! the result is beyond 64 bits`},
	{`i / j`, `3.5 | ! division by zero | null | ! 9223372036854775807 cannot be a float without loss`},
	{`i % 4`, `3 | -3 | null | 3`},
	{`i % j`, `1 | ! division by zero | null | 0`},
	{`-i`, `-7 | 7 | null | -9223372036854775807`},
	{`f * 2`, `5 | -1 | null | 2e+300`},
	{`f * f`, `6.25 | 0.25 | null | ! the result is beyond 64 bits`},
	{`i + f`, `9.5 | -7.5 | null | ! 9223372036854775807 cannot be a float without loss`},
	{`1 / 0 > 1`, `! division by zero | ! division by zero | ! division by zero | ! division by zero`},
	{`d + e`, `13.7500 | -0.0099 | null | 100000099.9899`},
	{`d * e`, `15.625000 | -0.000001 | null | 9999989999.000001`},
	{`d * 2`, `25.00 | -0.02 | null | 199999999.98`},
	{`d - 0.5`, `12.00 | -0.51 | null | 99999999.49`},
	{`d + i`, `19.50 | -7.01 | null | 9223372036954775806.99`},
	{`d % 5`, `2.50 | -0.01 | null | 4.99`},
	{`divide(d, j, 3)`, `6.250 | ! division by zero | null | -99999999.990`},
	{`divide(2, 3, 4)`, `0.6667 | 0.6667 | 0.6667 | 0.6667`},
	{`-d`, `-12.50 | 0.01 | null | -99999999.99`},
	{`s + t`, `" Héllo é" | null | null | "a,b,cb"`},
	// comparison
	{`i > 5`, `true | false | null | true`},
	{`i > f`, `true | false | null | false`},
	{`d == 12.5`, `true | false | null | false`},
	{`d < e`, `false | true | null | false`},
	{`d >= i`, `true | true | null | false`},
	{`i != j`, `true | true | null | true`},
	{`b == c`, `false | false | null | true`},
	{`day >= "2000-02-29"`, `true | false | null | true`},
	{`clock < "12:00:00"`, `false | true | null | false`},
	{`at == "2000-02-29 00:00:00"`, `false | false | null | true`},
	{`z <= "1970-01-01T01:00:00+01:00"`, `false | true | null | false`},
	{`u == "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"`, `true | false | null | false`},
	{`1 < i < 10`, `true | false | null | false`},
	// logic
	{`b and c`, `false | false | null | true`},
	{`b or c`, `true | true | null | true`},
	{`not b`, `false | true | null | false`},
	{`not (b and i > 5)`, `false | true | null | false`},
	{`b && i > 5 || c`, `true | true | null | true`},
	{`j != 0 and 10 / j > 1`, `true | false | null | false`},
	{`j == 0 or i / j > 1`, `true | true | null | ! 9223372036854775807 cannot be a float without loss`},
	{`is_null(i) or i > 0`, `true | false | true | true`},
	{`bool(null) and false`, `false | false | false | false`},
	{`bool(null) or true`, `true | true | true | true`},
	{`is_null(b) == false`, `true | true | false | true`},
	{`b ? "yes" : "no"`, `"yes" | "no" | "no" | "yes"`},
	{`if i > 0 { i } else { 0 - i }`, `7 | 7 | null | 9223372036854775807`},
	{`j == 0 ? null : 10 / j`, `5 | null | null | -10`},
	{`coalesce(i, j, 1)`, `7 | -7 | 1 | 9223372036854775807`},
	{`i ?? 0`, `7 | -7 | 0 | 9223372036854775807`},
	{`d ?? 0`, `12.50 | -0.01 | 0.00 | 99999999.99`},
	{`coalesce(f, i)`, `2.5 | -0.5 | null | 1e+300`},
	{`let x = i * 1; x > 0 ? x : j`, `7 | 0 | null | 9223372036854775807`},
	{`i in [7, 8]`, `true | false | null | false`},
	{`s not in ["ASPH", "x"]`, `true | false | null | true`},
	{`d in [12.5, 1]`, `true | false | null | false`},
	{`i + 0 in [j, 7]`, `true | false | null | false`},
	{`i in [j, 7]`, `true | false | null | false`},
	// texts
	{`upper(trim(s))`, `"HÉLLO" | "ASPH" | null | "A,B,C"`},
	{`s | trim() | lower()`, `"héllo" | "asph" | null | "a,b,c"`},
	{`length(s)`, `7 | 4 | null | 5`},
	{`length(y)`, `3 | null | null | 1`},
	{`replace(s, "l", "L")`, `" HéLLo " | "ASPH" | null | "a,b,c"`},
	{`substring(s, 1, 2)`, `"Hé" | "SP" | null | ",b"`},
	{`substring(s, -2)`, `"o " | "PH" | null | ",c"`},
	{`s[1:3]`, `"Hé" | "SP" | null | ",b"`},
	{`s[-3:-1]`, `"lo" | "SP" | null | "b,"`},
	{`substring(s, 99)`, `"" | "" | null | ""`},
	{`split(s, ",")`, `[" Héllo "] | ["ASPH"] | null | ["a","b","c"]`},
	{`join(split(s, ","), "-")`, `" Héllo " | "ASPH" | null | "a-b-c"`},
	{`concat(i, "/", b)`, `"7/true" | "-7/false" | null | "9223372036854775807/true"`},
	{`s contains "l"`, `true | false | null | false`},
	{`s startsWith "AS"`, `false | true | null | false`},
	{`ends_with(s, "c")`, `false | false | null | true`},
	{`s matches "^[A-Z]+$"`, `false | true | null | false`},
	{`regex_replace(s, "(.),", "$1;")`, `" Héllo " | "ASPH" | null | "a;b;c"`},
	{`regex_extract(s, "[A-Z](.)")`, `"é" | "S" | null | null`},
	{`sha256(t)`, `"` + sum256("é") + `" | null | null | "` + sum256("b") + `"`},
	{`md5("a")`, `"0cc175b9c0f1b6a831c399e269772661" | "0cc175b9c0f1b6a831c399e269772661" | "0cc175b9c0f1b6a831c399e269772661" | "0cc175b9c0f1b6a831c399e269772661"`},
	// numbers
	{`abs(f)`, `2.5 | 0.5 | null | 1e+300`},
	{`abs(d)`, `12.50 | 0.01 | null | 99999999.99`},
	{`round(f)`, `3 | -1 | null | 1e+300`},
	{`round(2.675, 2)`, `2.68 | 2.68 | 2.68 | 2.68`},
	{`round(d, 1)`, `12.5 | 0.0 | null | 100000000.0`},
	{`floor(d)`, `12 | -1 | null | 99999999`},
	{`ceil(f)`, `3 | 0 | null | 1e+300`},
	{`ceil(d)`, `13 | 0 | null | 100000000`},
	{`min(i, j)`, `2 | -7 | null | -1`},
	{`max(i, f, 0)`, `7 | 0 | null | ! 9223372036854775807 cannot be a float without loss`},
	{`max(s, t)`, `"é" | null | null | "b"`},
	// conversions
	{`int(f)`, `! 2.5 is not a whole number of 64 bits | ! -0.5 is not a whole number of 64 bits | null | ! 1e+300 is not a whole number of 64 bits`},
	{`int(floor(f))`, `2 | -1 | null | ! 1e+300 is not a whole number of 64 bits`},
	{`int("12") + int(b)`, `13 | 12 | null | 13`},
	{`int(s)`, `! " Héllo " is not a whole number | ! "ASPH" is not a whole number | null | ! "a,b,c" is not a whole number`},
	{`float(d)`, `12.5 | -0.01 | null | 99999999.99`},
	{`decimal(f, 5, 1)`, `2.5 | -0.5 | null | ! "1000000000000000000000000000000000000000…" does not fit decimal(5,1)`},
	{`bool(j)`, `! 2 is not a bool: 1 or 0 | false | null | ! -1 is not a bool: 1 or 0`},
	{`string(at)`, `"2026-08-22T17:03:59.25" | "1969-12-31T23:59:59.999999" | null | "2000-02-29T00:00:00"`},
	{`string(y)`, `"AQID" | null | null | "/w=="`},
	{`date(at)`, `"2026-08-22" | "1969-12-31" | null | "2000-02-29"`},
	{`date(z)`, `"2026-08-22" | "1970-01-01" | null | "2000-02-29"`},
	{`date("22.08.2026", "%d.%m.%Y")`, `"2026-08-22" | "2026-08-22" | "2026-08-22" | "2026-08-22"`},
	{`date("Jun 12 1998", "%b %d %Y")`, `"1998-06-12" | "1998-06-12" | "1998-06-12" | "1998-06-12"`},
	{`date(s)`, `! " Héllo " is not a date such as 2026-08-22 | ! "ASPH" is not a date such as 2026-08-22 | null | ! "a,b,c" is not a date such as 2026-08-22`},
	{`timestamptz(at)`, `"2026-08-22T17:03:59.25Z" | "1969-12-31T23:59:59.999999Z" | null | "2000-02-29T00:00:00Z"`},
	{`timestamp(day) <= at`, `true | true | null | true`},
	{`format(at, "%Y/%m %H:%M")`, `"2026/08 17:03" | "1969/12 23:59" | null | "2000/02 00:00"`},
	{`year(day) * 100 + month(at)`, `202608 | 196912 | null | 200002`},
	{`hour(at) + day(day)`, `39 | 54 | null | 29`},
	{`starts_with(s, " ")`, `true | false | null | false`},
	{`weekday(day)`, `6 | 3 | null | 2`},
	// JSON
	{`p.a.b[0]`, `1 | null | null | null`},
	{`p["n"] == 5`, `true | null | null | null`},
	{`p.a.b[1] == 2`, `true | null | null | null`},
	{`string(p.s)`, `"q\"t" | null | null | null`},
	{`int(p.n) + 1`, `6 | null | null | null`},
	{`p.z`, `null | null | null | null`},
	{`p[-1]`, `null | 2 | null | null`},
	{`p[1:]`, `! [from:to] needs a JSON array | [1,2] | null | ! [from:to] needs a JSON array`},
	{`string(p)`, `"{\"a\":{\"b\":[1,2.0,\"x\",null]},\"n\":5,\"s\":\"q\\\"t\",\"z\":null,\"list\":[{\"k\":1},{\"k\":3}]}" | "[3,1,2]" | null | "text"`},
	{`length(p.a.b)`, `4 | null | null | null`},
	{`"x" in p.a.b`, `true | null | null | null`},
	{`[i, s, p.n, null, d]`, `[7," Héllo ",5,null,12.50] | [-7,"ASPH",null,null,-0.01] | [null,null,null,null,null] | [9223372036854775807,"a,b,c",null,null,99999999.99]`},
	{`{a: i, "b c": day}`, `{"a":7,"b c":"2026-08-22"} | {"a":-7,"b c":"1969-12-31"} | {"a":null,"b c":null} | {"a":9223372036854775807,"b c":"2000-02-29"}`},
	{`has(p, "n")`, `true | false | null | false`},
	{`json("[1, 2]")[1]`, `2 | 2 | 2 | 2`},
	{`p == json("[3,1,2]")`, `false | true | null | false`},
	{`p.n < 6`, `true | null | null | null`},
	{`p.s < 6`, `! string and number have no order | null | null | null`},
	{`any(p.list, .k > 2)`, `true | false | false | false`},
	{`all(p.list, #.k > j)`, `false | true | true | true`},
	{`count(p.a.b, not is_null(#))`, `3 | 0 | 0 | 0`},
	{`filter(p.list, .k > 2)`, `[{"k":3}] | [] | [] | []`},
	{`map(p.list, int(.k) * 10)`, `[10,30] | [] | [] | []`},
	{`find(p.list, .k > 2).k`, `3 | null | null | null`},
	{`any(p.list, .k == 3 and any(p.a.b, # == "x"))`, `true | false | false | false`},
	{`any(p.list, any([.k, null], # == 3))`, `true | false | false | false`},
	{`map(p.list, filter([.k, 7], int(#) > 2))`, `[[7],[3,7]] | [] | [] | []`},
	{`any(p, # == 1)`, `! a JSON array is needed, not object | true | false | ! a JSON array is needed, not string`},
	{`let x = i + 0; any(p.list, .k < x)`, `true | false | false | false`},
	{`any(p.list, 1 / (int(.k) - 1) > 0)`, `! division by zero | false | false | false`},
}

func TestProgram_Eval(t *testing.T) {
	b := batchOf(testSchema, testRows)
	for _, v := range vectors {
		t.Run(v.src, func(t *testing.T) {
			if diff := cmp.Diff(strings.Join(results(t, v.src, testSchema, b), " | "), v.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// mistakes are expressions that do not compile, with the message.
var mistakes = []struct{ src, want string }{
	{``, `column 1: the expression ends too early`},
	{`upper(`, `column 6: the expression ends too early`},
	{`i + `, `column 4: the expression ends too early`},
	{`i > 1 and lenght > 2`, `column 11: there is no column "lenght" here (columns here: i, j, f, d, e, b, c, s, t, y, day, clock, …; texts stand in quotes)`},
	{`$["od name"]`, `column 2: there is no column "od name" here (did you mean odd name?)`},
	{`dey`, `column 1: there is no column "dey" here (did you mean day?)`},
	{`uper(s)`, `column 1: there is no function uper() (did you mean upper?)`},
	{`len(s)`, `column 1: there is no function len() (it is called length here)`},
	{`now()`, `column 1: now() is not allowed (the same records must give the same result each time they are read; use a column of the source)`},
	{`upper(i)`, `column 7: upper needs string, not int (write string(…) around it)`},
	{`upper(s, t)`, `column 1: upper takes 1 argument, not 2 (write upper(text))`},
	{`i == s`, `column 3: int cannot be compared with string (texts stand in quotes, numbers do not; or convert: int(…), string(…))`},
	{`i == null`, `column 3: what is compared with null is null (write is_null(…) or not is_null(…))`},
	{`not s == "x"`, `column 5: a condition must be bool, this is string (not binds to the value behind it: write not (a == b), or a != b)`},
	{`i and b`, `column 1: a condition must be bool, this is int (write bool(…), or compare it with something)`},
	{`d + f`, `column 3: a decimal and a float are not computed together, since the result would not be exact (write float(…) around the decimal)`},
	{`d / 2`, `column 3: a quotient of decimals is not exact (write divide(a, b, 2) for 2 decimals, or float(a) / float(b))`},
	{`s + 1`, `column 3: + does not work on string and int (write concat(a, b), or string(…) around the other one)`},
	{`day > "yesterday"`, `column 7: this cannot be date: "yesterday" is not a date such as 2026-08-22`},
	{`s matches t`, `column 11: a regular expression must be written out, as in "^[A-Z]+$"`},
	{`s matches "("`, "column 11: not a regular expression: error parsing regexp: missing closing ): `(`"},
	{`i ** 2`, `column 3: the operator ** is not supported`},
	{`1..3`, `column 2: a range is not supported (write x >= 1 and x <= 5)`},
	{`null`, `column 1: null alone has no type (write string(null), int(null) …)`},
	{`b ? 1 : "x"`, `column 9: both results of a condition must have one type, not int and string (convert one of them: string(…), int(…), float(…))`},
	{`s.x`, `column 3: only JSON values have parts, this is string (a column whose name has a dot is $["a.b"])`},
	{`p.x()`, `column 3: only functions can be called (write function(value) or value | function())`},
	{`any(s, # == 1)`, `column 5: any needs a JSON array, not string (write any(array, condition), # being the element)`},
	{`# == 1`, `column 1: "#" is not expected here`},
	{`1; 2`, `column 4: there is a second expression behind ';' (an expression has one value)`},
	{"i\n + s", `line 2, column 2: + does not work on int and string (write concat(a, b), or string(…) around the other one)`},
	{`round(f, i)`, `column 10: round needs a whole number from 0 to 30 written out here (write round(number[, digits]))`},
	{`date(s, "%Q")`, `column 9: "%Q" is not a form of times (use %Y %m %d %H %M %S %b %y %z; %% is a percent sign)`},
	{`date(s, "1%Y")`, `column 9: "1%Y": letters and digits cannot stand between the parts of a time (write date(value[, "%d.%m.%Y"]))`},
	{`date(clock)`, `column 6: time cannot become date (write date(value[, "%d.%m.%Y"]))`},
	{`upper`, `column 1: there is no column "upper" here (upper is a function: write upper(text))`},
	{`let i = 1; i`, `column 5: "i" is the name of a column (choose another name)`},
	{`{a: 1, b: 2, a: 3}`, `column 14: "a" is in the object twice`},
	{`i in []`, `column 3: the list behind in is empty`},
	{`9223372036854775808`, `column 19: the number is beyond 64 bits`},
	{strings.Repeat("1 < int(", 50) + "1" + strings.Repeat(" < 2) < 2", 50), `column 403: the expression has too many parts`},
	{strings.Repeat("(", 20_000), `column 1: the expression is longer than 16 KiB`},
}

func TestCompile_Mistakes(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.src[:min(len(m.src), 40)], func(t *testing.T) {
			_, err := Compile(m.src, testSchema)
			if err == nil {
				t.Fatal("it compiles")
			}
			if err.Error() != m.want {
				t.Errorf("\ngot  %s\nwant %s", err, m.want)
			}
			if !fault.Has(err, fault.ConfigInvalid) {
				t.Errorf("got code %s", fault.CodeOf(err))
			}
		})
	}
}

func TestProgram_Filter(t *testing.T) {
	b := batchOf(testSchema, testRows)
	for src, want := range map[string]string{
		`i > 0`: "[0 3] []", `b`: "[0 3] []", `not c`: "[0] []", `true`: "[0 1 2 3] []", `1 / j < 0`: "[3] [1]", `is_null(s)`: "[2] []",
	} {
		p, err := Condition(src, testSchema)
		if err != nil {
			t.Fatal(err)
		}
		rows, refused, err := p.Filter(b)
		at := []int{}
		for _, r := range refused {
			at = append(at, r.Row)
		}
		if got := fmt.Sprint(rows, at); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", src, got, err, want)
		}
	}
	if _, err := Condition("i", testSchema); err == nil {
		t.Error("a condition of type int compiles")
	}
}

func TestProgram_Columns(t *testing.T) {
	p, err := Compile(`s + (i > j ? s : t)`, testSchema)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Columns(), []string{"i", "j", "s", "t"}); diff != "" {
		t.Error(diff)
	}
}

func TestProgram_Empty(t *testing.T) {
	for _, v := range vectors {
		p, err := Compile(v.src, testSchema)
		if err != nil {
			t.Fatal(err)
		}
		if col, _, err := p.Eval(record.Batch{}); err != nil || col.Len() != 0 {
			t.Errorf("%s: got %d rows, %v", v.src, col.Len(), err)
		}
	}
}
