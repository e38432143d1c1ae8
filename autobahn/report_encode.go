package autobahn

import (
	"cmp"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// An object is a JSON object of the reports.
type object map[string]any

// appendJSON appends v as the original suite writes it: keys sorted, indent of 3, separators "," and ": ", ASCII only. encoding/json cannot: it sorts
// numeric keys as text, and leaves what is not ASCII.
//
// v is nil, bool, int, string, float64, object, map[int]int, or []any of these.
func appendJSON(b []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return appendFloat(b, v)
	case string:
		return appendString(b, v)
	case []any:
		if len(v) == 0 {
			return append(b, "[]"...)
		}
		b = append(b, '[')
		for i, e := range v {
			b = appendJSON(appendLine(b, i, depth+1), e, depth+1)
		}
		return append(appendLine(b, 0, depth), ']')
	case object:
		return appendMap(b, v, depth, appendString)
	case map[int]int:
		return appendMap(b, v, depth, func(b []byte, key int) []byte { return append(strconv.AppendInt(append(b, '"'), int64(key), 10), '"') })
	}
	panic("autobahn: no JSON for this type")
}

func appendMap[K cmp.Ordered, V any](b []byte, m map[K]V, depth int, appendKey func([]byte, K) []byte) []byte {
	if len(m) == 0 {
		return append(b, "{}"...)
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) { // numbers as numbers: 4 before 13
		b = append(appendKey(appendLine(b, i, depth+1), key), ": "...)
		b = appendJSON(b, m[key], depth+1)
	}
	return append(appendLine(b, 0, depth), '}')
}

// appendLine begins the line of element i.
func appendLine(b []byte, i, depth int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	b = append(b, '\n')
	for range depth {
		b = append(b, "   "...)
	}
	return b
}

// appendString appends s in quotes. What is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case ' ' <= r && r <= '~':
			b = append(b, byte(r))
		case strings.ContainsRune("\b\t\n\f\r", r):
			b = append(b, '\\', "btn.fr"[r-'\b'])
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			b = appendEscape(appendEscape(b, high), low)
		default:
			b = appendEscape(b, r)
		}
	}
	return append(b, '"')
}

func appendEscape(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// appendFloat appends the shortest digits that give f, with a point or an exponent: 1.0, 0.03125, 1e-05.
func appendFloat(b []byte, f float64) []byte {
	if a := max(f, -f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	n := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if !slices.Contains(b[n:], '.') {
		b = append(b, ".0"...)
	}
	return b
}

// octetsText is how the reports show octets that are meant for people: as text if they are UTF-8, else as 0x and hexadecimal digits; of more than
// 60 the first 64. What is cut inside a character is no UTF-8 either. b is the first octets of as many as length says.
func octetsText(b []byte, length int) string {
	b, more := cutOctets(b, length)
	if utf8.Valid(b) {
		return string(b) + more
	}
	return "0x" + hex.EncodeToString(b) + more
}

// octetsHex is the same in hexadecimal digits alone.
func octetsHex(b []byte, length int) string {
	b, more := cutOctets(b, length)
	return hex.EncodeToString(b) + more
}

const (
	longOctets = 60 // more octets are cut,
	keptOctets = 64 // to as many; the one number is not the other in the original, nor here
)

func cutOctets(b []byte, length int) (cut []byte, more string) {
	if length <= longOctets {
		return b, ""
	}
	return b[:min(len(b), keptOctets)], " ..."
}
