package autobahn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// An ExpectError is a mistake in a recorded list of verdicts.
type ExpectError struct {
	Line, Column int // from 1; of characters
	Text         string
}

func (e *ExpectError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Text)
}

// ReadExpect reads a recorded list of verdicts: what [WriteExpect] writes, or the index.json of a report, also of the original suite's. In JSON, both are
// objects by agent of objects by case ID; then [behavior, behaviorClose], or an object with these two among others. Errors are an *[ExpectError], or r's.
func ReadExpect(r io.Reader) (Expected, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF")) // some editors put it there
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at := int(syntax.Offset) // behind the octet that does not fit, if there is one
			if at > 0 && syntax.Error() != "unexpected end of JSON input" {
				at--
			}
			return nil, expectError(data, at, syntax.Error())
		}
		return nil, err
	}
	p := &expectReader{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	return p.file()
}

// An expectReader walks over JSON that is known to be well formed.
type expectReader struct {
	data []byte
	dec  *json.Decoder
	at   int // where the last token begins
}

func expectError(data []byte, at int, text string) *ExpectError {
	at = min(at, len(data))
	begin := bytes.LastIndexByte(data[:at], '\n') + 1
	return &ExpectError{Line: bytes.Count(data[:at], []byte{'\n'}) + 1, Column: utf8.RuneCount(data[begin:at]) + 1, Text: text}
}

func (p *expectReader) fail(format string, args ...any) error {
	return expectError(p.data, p.at, fmt.Sprintf(format, args...))
}

func (p *expectReader) next() (json.Token, error) {
	p.skip()
	return p.dec.Token()
}

// skip moves at to the next token.
func (p *expectReader) skip() {
	p.at = int(p.dec.InputOffset())
	for p.at < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,:"), p.data[p.at]) >= 0 {
		p.at++
	}
}

func (p *expectReader) file() (Expected, error) {
	e := Expected{}
	return e, p.object("the file", "agents", func(agent string) error {
		if _, ok := e[agent]; ok {
			return p.fail("agent %q is here twice", agent)
		}
		cases := map[string]Verdicts{}
		e[agent] = cases
		return p.object(fmt.Sprintf("agent %q", agent), "case IDs", func(id string) error {
			if _, ok := cases[id]; ok {
				return p.fail("case %q of agent %q is here twice", id, agent)
			}
			v, err := p.verdicts(id)
			cases[id] = v
			return err
		})
	})
}

// object reads an object, and calls value for each key to check it and to read the value.
func (p *expectReader) object(what, keys string, value func(key string) error) error {
	if t, err := p.next(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return p.fail("%s has to be an object by %s", what, keys)
	}
	for p.dec.More() {
		key, err := p.next()
		if err != nil {
			return err
		}
		if err := value(key.(string)); err != nil {
			return err
		}
	}
	_, err := p.next()
	return err
}

func (p *expectReader) verdicts(id string) (v Verdicts, err error) {
	t, err := p.next()
	if err != nil {
		return v, err
	}
	begin := p.at
	switch t {
	case json.Delim('['):
		for i := 0; p.dec.More(); i++ {
			switch i {
			case 0:
				v.Behavior, err = p.verdict("behavior", behaviors)
			case 1:
				v.BehaviorClose, err = p.verdict("behaviorClose", closeBehaviors)
			default:
				p.skip()
				err = p.fail("case %q has more than two verdicts", id)
			}
			if err != nil {
				return v, err
			}
		}
	case json.Delim('{'):
		for p.dec.More() {
			key, err := p.next()
			if err != nil {
				return v, err
			}
			switch key {
			case "behavior":
				v.Behavior, err = p.verdict("behavior", behaviors)
			case "behaviorClose":
				v.BehaviorClose, err = p.verdict("behaviorClose", closeBehaviors)
			default:
				err = p.dec.Decode(new(json.RawMessage))
			}
			if err != nil {
				return v, err
			}
		}
	default:
		return v, p.fail("case %q has to be [behavior, behaviorClose], or an object with these", id)
	}
	if _, err := p.next(); err != nil {
		return v, err
	}
	if v.Behavior == "" || v.BehaviorClose == "" {
		p.at = begin
		return v, p.fail("case %q lacks a verdict: behavior and behaviorClose are needed", id)
	}
	return v, nil
}

var (
	behaviors      = []Verdict{OK, NonStrict, Informational, Unimplemented, Failed}
	closeBehaviors = []Verdict{OK, Failed, Unclean, WrongCode, FailedByClient, Informational}
)

func (p *expectReader) verdict(field string, known []Verdict) (Verdict, error) {
	t, err := p.next()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok || !slices.Contains(known, Verdict(s)) {
		return "", p.fail("%s has to be one of %q", field, known)
	}
	return Verdict(s), nil
}
