package autobahn

import "slices"

// maxExpect is the greatest recorded list that is read, in octets. The original's index.json has 100 KiB for each agent.
const maxExpect = 64 << 20

// ParseExpect reads b, a recorded list of verdicts: what [WriteExpect] writes, or the index.json of a report, also of the original suite's. In JSON, both
// are objects by agent of objects by case ID; then [behavior, behaviorClose], or an object with these two among others. The name of the file is used in
// errors only, which are of type *[ConfigError].
func ParseExpect(name string, b []byte) (Expected, error) {
	doc := &document{name: name, b: b, most: maxExpect}
	root := doc.parse()
	if doc.err != nil {
		return nil, doc.err
	}
	e := Expected{}
	for _, agent := range root.unique("agents by name") {
		cases := map[string]Verdicts{}
		for _, c := range agent.value.unique("cases by ID") {
			cases[c.name] = c.value.verdicts()
		}
		e[agent.name] = cases
	}
	if doc.err != nil {
		return nil, doc.err
	}
	return e, nil
}

// unique returns the fields of an object that has to be there, none of them twice; what says which they are.
func (n *node) unique(what string) []field {
	fields, ok := n.value.([]field)
	if !ok {
		n.expected("an object of " + what)
	}
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		if seen[f.name] {
			n.doc.fail(f.at, "%sexpected %q once, found it twice", n.prefix(), shorten(f.name))
		}
		seen[f.name] = true
	}
	return fields
}

var (
	knownBehaviors = []Verdict{OK, NonStrict, Informational, Unimplemented, Failed}
	knownCloses    = []Verdict{OK, Informational, FailedByClient, Unclean, WrongCode, Failed}
)

// verdicts reads the two of a case, from a list or from an object.
func (n *node) verdicts() Verdicts {
	switch v := n.value.(type) {
	case []*node:
		if len(v) == 2 {
			return Verdicts{v[0].verdict(knownBehaviors), v[1].verdict(knownCloses)}
		}
	case []field:
		return Verdicts{
			n.required("behavior", `"OK"`).verdict(knownBehaviors),
			n.required("behaviorClose", `"OK"`).verdict(knownCloses),
		}
	}
	n.expected("[behavior, behaviorClose], or an object with these fields")
	return Verdicts{}
}

func (n *node) verdict(known []Verdict) Verdict {
	s, ok := n.value.(string)
	if !ok || !slices.Contains(known, Verdict(s)) {
		n.doc.fail(n.at, "%sexpected one of %q, found %s", n.prefix(), known, n.found())
	}
	return Verdict(s)
}
