package testing

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
)

// saveSeeds writes the seeds of a target as inputs of libFuzzer, in a folder of its name.
func saveSeeds(name string, corpus []corpusEntry) {
	dir := filepath.Join(os.Getenv("SAVE_SEEDS"), name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		panic(err)
	}
	for i, e := range corpus {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d", i)), inputOf(e.Values), 0o666); err != nil {
			panic(err)
		}
	}
}

// inputOf is what F.Fuzz of OSS-Fuzz takes for values: numbers; weights of the strings and slices; and these.
func inputOf(values []any) (b []byte) {
	var long [][]byte
	for _, value := range values {
		switch v := reflect.ValueOf(value); v.Kind() {
		case reflect.Bool:
			if v.Bool() {
				b = append(b, 1)
			} else {
				b = append(b, 0)
			}
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			b = appendNumber(b, uint64(v.Int()), v.Type().Size())
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			b = appendNumber(b, v.Uint(), v.Type().Size())
		case reflect.Float32:
			b = appendNumber(b, uint64(math.Float32bits(float32(v.Float()))), 4)
		case reflect.Float64:
			b = appendNumber(b, math.Float64bits(v.Float()), 8)
		case reflect.String:
			long = append(long, []byte(v.String()))
		default:
			long = append(long, v.Bytes())
		}
	}
	if len(long) == 0 {
		return b
	}
	// An octet of weight is coarse: next to a long argument a short one at the end is said several times over, until there are weights that fit.
	last := len(long) - 1
	end := long[last]
	weights, ok := weigh(long)
	for n := 1; !ok && n < 64 && len(end) > 0; n++ {
		long[last] = append(long[last][:len(long[last]):len(long[last])], end...)
		weights, ok = weigh(long)
	}
	if !ok { // as near as it gets: the border is elsewhere, for less than a 256th is nothing
		long[last] = end
		weights, _ = weigh(long)
	}
	b = append(b, weights...)
	for _, l := range long {
		b = append(b, l...)
	}
	return b
}

func appendNumber(b []byte, n uint64, size uintptr) []byte {
	return append(b, binary.BigEndian.AppendUint64(nil, n)[8-size:]...)
}

// weigh returns weights from which F.Fuzz finds the lengths of all, or else weights that are about right.
func weigh(all [][]byte) (weights []byte, ok bool) {
	longest, left := 0, 0
	for i, a := range all {
		left += len(a)
		if len(a) > len(all[longest]) {
			longest = i
		}
	}
	weights = make([]byte, len(all))
	for most := 255; most > 0; most-- {
		for more := range 3 {
			sum := 0
			for i, a := range all {
				w := most
				if i != longest && len(all[longest]) > 0 {
					w = (2*len(a)*most/len(all[longest]) + 1) / 2
				}
				if i == len(all)-1 && i != longest && len(a) > 0 {
					w = max(0, min(255, w+more-1))
				}
				weights[i] = byte(w)
				sum += w
			}
			ok = true
			for i, a := range all[:len(all)-1] {
				ok = ok && sum > 0 && left*int(weights[i])/sum == len(a)
			}
			if ok {
				return weights, true
			}
		}
	}
	for i, a := range all {
		weights[i] = byte(len(a) * 255 / max(1, len(all[longest])))
	}
	return weights, false
}
