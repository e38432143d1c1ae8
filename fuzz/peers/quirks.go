package peers

import (
	"maps"
	"slices"

	"github.com/idlewire/idlewire/fuzz"
)

// Rules that several do not keep to.
const (
	anyRsv     = "RSV without an extension that gives it a meaning"
	rsv1       = "RSV1 on a control frame or on a fragment that is not the first"
	orphan     = "continuation, and nothing to continue"
	noSuchCode = "code that no endpoint may send"
	tooLong    = "message longer than the limit"
)

func compressing(s fuzz.Setup) bool { return s.Deflate != nil }

// inflating are the quirks of an endpoint that has one code for all that is wrong with compressed data.
func inflating(code uint16, why string) (all []fuzz.Quirk) {
	for _, rule := range slices.Sorted(maps.Keys(fuzz.Rules)) {
		if r := fuzz.Rules[rule]; r.Section == "7692 7.2.2" && rule != fuzz.LongTail || rule == "distance beyond the window" {
			all = append(all, fuzz.Quirk{Rule: rule, Code: code, Why: why})
		}
	}
	return all
}

// wholeFrames is a stream without the frame at its end that is not complete.
func wholeFrames(_ fuzz.Setup, stream []byte) []byte {
	frames, _ := fuzz.Dissect(stream)
	if n := len(frames); n > 0 && uint64(len(frames[n-1].Payload)) < frames[n-1].Length {
		frames = frames[:n-1]
	}
	whole := fuzz.Session{Frames: frames}
	return whole.Bytes()
}
