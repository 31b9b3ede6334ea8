package sqlite

import (
	"time"

	"fhirside/fhir"
	"fhirside/search/index"
)

// A key names a resource in every index table and sorts by its date:
//
//	seconds since 1970 of the sort date (34 bits, signed) | shape of the date (2 bits) | number of the resource (28 bits)
//
// Types without a sort date have 0 seconds, which also keeps their keys short. A resource of a dated type without a date sorts
// last, as FHIR clients expect of an ascending sort.
const (
	numberBits  = 28
	shapeBits   = 2
	secondsBits = 34

	numberMask = 1<<numberBits - 1
	maxSeconds = 1<<(secondsBits-1) - 1 // year 2242
	minSeconds = -maxSeconds            // year 1697

	keyMin = -1 << 63
	keyMax = 1<<63 - 1
)

// shape says how much of a date its key holds.
type shape int64

const (
	instant  shape = iota // exactly one second, [seconds, seconds+1): the key holds all of it
	whole                 // begins at that second; the interval is in the date table. Also: no date
	fraction              // begins within that second; in the date table
	several               // several dates, the first of them within that second, or one beyond what a key holds; in the date table
)

func makeKey(seconds int64, s shape, number int64) int64 {
	return seconds<<(numberBits+shapeBits) | int64(s)<<numberBits | number
}

// floorKey is the least key of a date in this second.
func floorKey(seconds int64) int64 {
	if seconds > maxSeconds {
		return keyMax
	}
	return makeKey(max(seconds, minSeconds-1), instant, 0)
}

func keyNumber(key int64) int64  { return key & numberMask }
func keyShape(key int64) shape   { return shape(key >> numberBits & (1<<shapeBits - 1)) }
func keySeconds(key int64) int64 { return key >> (numberBits + shapeBits) }

// dateKey is the date's part of a key: that of the earliest of the entries of param, the resource's sort date.
func dateKey(dates []index.Date, param string) (seconds int64, s shape) {
	first, n := index.Date{}, 0
	for _, d := range dates {
		if d.Param != param {
			continue
		}
		if n == 0 || d.Lo < first.Lo {
			first = d
		}
		n++
	}
	seconds = floorDiv(first.Lo, second)
	switch {
	case n == 0:
		return maxSeconds, whole
	case n > 1 || seconds >= maxSeconds || seconds <= minSeconds:
		return min(max(seconds, minSeconds), maxSeconds-1), several
	case first.Lo%second != 0:
		return seconds, fraction
	case first.Hi-first.Lo == second:
		return seconds, instant
	}
	return seconds, whole
}

const second = int64(time.Second / time.Microsecond)

// width of an interval in microseconds; a side left open makes it endless.
func width(d index.Date) int64 {
	if d.Lo == fhir.BeginningOfTime || d.Hi == fhir.EndOfTime {
		return fhir.EndOfTime
	}
	return d.Hi - d.Lo
}

// A stamp orders all versions of all resources as they were committed: the commit's time in milliseconds since 1970, and behind
// it the version's place in the commit. Commits that become visible together share the time; later ones have a greater one.
const placeBits = 21

func makeStamp(millis int64, place int) int64 { return millis<<placeBits | int64(place) }

func stampTime(stamp int64) time.Time { return time.UnixMilli(stamp >> placeBits).UTC() }

// stampAt is the least stamp of commits at or after a time in microseconds.
func stampAt(micros int64) int64 {
	const most = 1<<(63-placeBits) - 1 // year 2109
	millis := micros / 1000
	if micros%1000 > 0 {
		millis++
	}
	return min(max(millis, 0), most) << placeBits
}
