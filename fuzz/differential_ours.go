package fuzz

import "errors"

// Protocol is the Adapter of this library's conn.Protocol. What Run asks of it beyond an Outcome, memory, work and promptness, it asks too.
type Protocol struct{ Parts bool } // Parts: by ReceivePart

// Name is "protocol".
func (p Protocol) Name() string { return "protocol" }

// Nearest leaves all as it is, but where there is no limit the greatest.
func (p Protocol) Nearest(s Setup) Setup { return within(s) }

// Play gives the pieces to a Protocol.
func (p Protocol) Play(s Setup, pieces [][]byte) (Outcome, error) {
	var stream []byte
	for _, b := range pieces {
		stream = append(stream, b...)
	}
	got, text := receive(s, Judge(s, stream), pieces, p.Parts)
	if text != "" {
		return got, errors.New(text)
	}
	return got, nil
}

// Reference is the Adapter of the reference itself.
type Reference struct{ Late bool } // Late: as late as the text allows

// Name is "reference".
func (r Reference) Name() string { return "reference" }

// Nearest leaves all as it is.
func (r Reference) Nearest(s Setup) Setup { return s }

// Play judges.
func (r Reference) Play(s Setup, pieces [][]byte) (Outcome, error) {
	var stream []byte
	for _, b := range pieces {
		stream = append(stream, b...)
	}
	v := Judge(s, stream)
	if r.Late {
		v = JudgeLate(s, stream)
	}
	return Outcome{Events: v.Events, Failed: v.State == Failed, Code: v.Fault.Code}, nil
}
