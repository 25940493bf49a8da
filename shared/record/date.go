package record

import "time"

// AppendDate appends a day, counted from 1970-01-01, as 2026-08-22.
func AppendDate(out []byte, day int64) []byte {
	// Years begin in March here, so that leap days come last; 719468 days lie between 0000-03-01 and 1970-01-01.
	n := day + 719468
	era := n / 146097
	if n < 0 {
		era = (n - 146096) / 146097
	}
	of := n - era*146097
	year := (of - of/1460 + of/36524 - of/146096) / 365
	of -= 365*year + year/4 - year/100
	month := (5*of + 2) / 153
	d := of - (153*month+2)/5 + 1
	year += era * 400
	if month += 3; month > 12 {
		month -= 12
		year++
	}
	if year < 0 || year > 9999 {
		return time.Unix(day*24*60*60, 0).UTC().AppendFormat(out, dateForm)
	}
	return append(out, byte('0'+year/1000), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10), '-',
		byte('0'+month/10), byte('0'+month%10), '-', byte('0'+d/10), byte('0'+d%10))
}
