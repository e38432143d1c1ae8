package autobahn

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A document is a JSON text that knows where in it a value stands. Reading goes on after a mistake; the one that is first in the text is kept.
type document struct {
	name  string
	b     []byte
	most  int // octets of b; 0: maxConfig
	err   *ConfigError
	errAt int
}

// fail notes a mistake at an offset. Text from the file goes in with %q, or as part of a node's name: the error stays one line.
func (d *document) fail(at int, format string, args ...any) {
	if d.err != nil && d.errAt <= at {
		return
	}
	before := d.b[:min(at, len(d.b))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	d.errAt = at
	d.err = &ConfigError{
		File:   d.name,
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(line) + 1,
		Text: strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return '?'
			}
			return r
		}, fmt.Sprintf(format, args...)),
	}
}

// A node is a value of the document, or one that is not there: then value is nil, as it is for null.
type node struct {
	doc   *document
	at    int    // of a value that is not there: where the object around it begins
	name  string // how errors call it, such as servers[0].url; "" is the whole
	value any    // nil, bool, string, json.Number, []*node or []field
}

type field struct {
	at    int // of its name
	name  string
	value *node
}

// bom is what some editors put in front of UTF-8.
var bom = []byte("\ufeff")

// parse reads the whole. If the text is not JSON it notes that, and returns a node that is not there.
func (d *document) parse() *node {
	none := &node{doc: d}
	if most := cmp.Or(d.most, maxConfig); len(d.b) > most {
		d.fail(0, "expected at most %d octets, found %d", most, len(d.b))
		return none
	}
	d.b = bytes.TrimPrefix(d.b, bom)
	var syntax *json.SyntaxError
	if err := json.Unmarshal(d.b, new(json.RawMessage)); errors.As(err, &syntax) {
		at := int(syntax.Offset)
		if at > 0 && at <= len(d.b) && !strings.HasPrefix(syntax.Error(), "unexpected end") {
			at-- // Offset counts the octet that is wrong
		}
		d.fail(at, "this is not JSON: %v", syntax)
		d.err.Err = syntax
		return none
	} else if err != nil {
		d.fail(0, "this is not JSON: %v", err)
		return none
	}
	r := reader{doc: d, dec: json.NewDecoder(bytes.NewReader(d.b))}
	r.dec.UseNumber()
	return r.node("")
}

// A reader makes nodes of a text that is known to be JSON, so Token has no errors.
type reader struct {
	doc *document
	dec *json.Decoder
}

// token returns the next token, and where it begins.
func (r *reader) token() (json.Token, int) {
	at := int(r.dec.InputOffset())
	for at < len(r.doc.b) && strings.IndexByte(" \t\r\n,:", r.doc.b[at]) >= 0 {
		at++
	}
	t, err := r.dec.Token()
	if err != nil && err != io.EOF {
		r.doc.fail(at, "this is not JSON: %v", err)
	}
	return t, at
}

// node reads one value. encoding/json has limited the depth; names are cut to what errors show of them, or those of deep nests would fill the memory.
func (r *reader) node(name string) *node {
	name = shorten(name)
	t, at := r.token()
	n := &node{doc: r.doc, at: at, name: name, value: t}
	switch t {
	case json.Delim('['):
		list := []*node{}
		for r.dec.More() {
			list = append(list, r.node(fmt.Sprintf("%s[%d]", name, len(list))))
		}
		r.token()
		n.value = list
	case json.Delim('{'):
		fields := []field{}
		for r.dec.More() {
			t, at := r.token()
			key, _ := t.(string)
			inner := key
			if name != "" {
				inner = name + "." + key
			}
			fields = append(fields, field{at, key, r.node(inner)})
		}
		r.token()
		n.value = fields
	}
	return n
}

// expected notes that n is not what it has to be.
func (n *node) expected(what string) {
	n.doc.fail(n.at, "%sexpected %s, found %s", n.prefix(), what, n.found())
}

// prefix names n at the beginning of an error.
func (n *node) prefix() string {
	if n.name == "" {
		return ""
	}
	return shorten(n.name) + ": "
}

// found describes n in a few words.
func (n *node) found() string {
	switch v := n.value.(type) {
	case bool:
		return fmt.Sprint(v)
	case json.Number:
		return shorten(v.String())
	case string:
		return fmt.Sprintf("%q", shorten(v))
	case []*node:
		return "a list"
	case []field:
		return "an object"
	}
	return "null"
}

// shorten cuts what comes from the file to what fits into a line.
func shorten(s string) string {
	const most = 60 // octets
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// fields returns the fields of an object. An empty list is an empty object, which is what some languages' JSON writers make of one.
func (n *node) fields() []field {
	switch v := n.value.(type) {
	case nil:
	case []field:
		return v
	case []*node:
		if len(v) > 0 {
			n.expected("an object")
		}
	default:
		n.expected("an object")
	}
	return nil
}

// child returns a field of an object; of several with the name the last one, as Python does.
func (n *node) child(name string) *node {
	fields := n.fields()
	for i := len(fields) - 1; i >= 0; i-- {
		if fields[i].name == name {
			return fields[i].value
		}
	}
	return &node{doc: n.doc, at: n.at, name: name}
}

// required is child for a field that has to be there; such as is an example of its value.
func (n *node) required(name, such string) *node {
	c := n.child(name)
	if c.value == nil {
		n.doc.fail(n.at, "%sexpected a field %q, such as %s", n.prefix(), name, such)
	}
	return c
}

// list returns the values of a list. An empty object is an empty list; see fields.
func (n *node) list() []*node {
	switch v := n.value.(type) {
	case nil:
	case []*node:
		return v
	case []field:
		if len(v) > 0 {
			n.expected("a list")
		}
	default:
		n.expected("a list")
	}
	return nil
}

// text stores a string, if there is one.
func (n *node) text(dst *string) {
	switch v := n.value.(type) {
	case nil:
	case string:
		*dst = v
	default:
		n.expected("a string")
	}
}

// url stores a URL, if there is one and check is content with it.
func (n *node) url(dst *string, check func(string) error) {
	var s string
	n.text(&s)
	if _, ok := n.value.(string); !ok {
		return
	}
	if err := check(s); err != nil {
		n.doc.fail(n.at, "%s%v", n.prefix(), err)
	}
	*dst = s
}

// texts returns the strings of a list.
func (n *node) texts() []string {
	var all []string
	for _, item := range n.list() {
		if s, ok := item.value.(string); ok {
			all = append(all, s)
		} else {
			item.expected("a string")
		}
	}
	return all
}

// patterns returns the strings of a list, none of which is longer than a pattern may be.
func (n *node) patterns() []string {
	all := n.texts()
	for _, item := range n.list() {
		if s, _ := item.value.(string); len(s) > maxPattern {
			item.expected(fmt.Sprintf("a pattern of at most %d octets", maxPattern))
		}
	}
	return all
}

// boolean stores true or false, if there is one.
func (n *node) boolean(dst *bool) {
	switch v := n.value.(type) {
	case nil:
	case bool:
		*dst = v
	default:
		n.expected("true or false")
	}
}

// whole stores a whole number between low and high, if there is one.
func (n *node) whole(dst *int, low, high int) {
	if n.value == nil {
		return
	}
	if v, ok := n.value.(json.Number); ok {
		if i, err := v.Int64(); err == nil && int64(low) <= i && i <= int64(high) {
			*dst = int(i)
			return
		}
	}
	if high == math.MaxInt32 {
		n.expected(fmt.Sprintf("a whole number, %d or more", low))
	} else {
		n.expected(fmt.Sprintf("a whole number from %d to %d", low, high))
	}
}
