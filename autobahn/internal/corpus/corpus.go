// Package corpus makes the five documents whose octets the cases of sections 12 and 13 send: like the ones of the original suite in size,
// type and how far they can be compressed, but made up, from a seed.
package corpus

import (
	"sort"
	"sync"
	"unicode/utf8"
)

// A Corpus is one document. It is not modified once it is made.
type Corpus struct {
	data []byte
	wide []wide // the code points of more than one octet, if it is sent as text
	len  int    // in octets; in code points if it is sent as text
}

// A wide is a code point of more than one octet.
type wide struct {
	at    int // its place, in code points
	extra int // the octets that it and those before it take beyond one each
}

// Len returns the length of c: in code points if it is sent as text, else in octets.
func (c *Corpus) Len() int { return c.len }

// Message appends to dst message k (0, 1, ...) of those of n octets, or n code points if the corpus is sent as text: what stands from k*n on, where
// the end of the corpus is followed by its beginning. Neither is negative, nor is their product above 1<<63 - 1. The corpus is not aliased.
func (c *Corpus) Message(dst []byte, k, n int) []byte {
	from := int(int64(k) * int64(n) % int64(c.len))
	for n > 0 {
		to := min(from+n, c.len)
		dst = append(dst, c.data[c.offset(from):c.offset(to)]...)
		n -= to - from
		from = 0
	}
	return dst
}

// offset returns where in data the code point, or octet, at begins.
func (c *Corpus) offset(at int) int {
	if len(c.wide) == 0 {
		return at
	}
	i := sort.Search(len(c.wide), func(i int) bool { return c.wide[i].at >= at })
	if i == 0 {
		return at
	}
	return at + c.wide[i-1].extra
}

func newCorpus(data []byte, text bool) *Corpus {
	c := &Corpus{data: data, len: len(data)}
	if !text {
		return c
	}
	at, extra := 0, 0
	for i := 0; i < len(data); at++ {
		_, size := utf8.DecodeRune(data[i:])
		if size > 1 {
			extra += size - 1
			c.wide = append(c.wide, wide{at, extra})
		}
		i += size
	}
	c.len = at
	return c
}

// kinds are the corpora by name.
var kinds = map[string]struct {
	make func(r *rng) []byte
	text bool
}{
	"json":   {makeJSON, true},
	"bitmap": {makeBitmap, false},
	"prose":  {makeProse, false},
	"html":   {makeHTML, true},
	"pdf":    {makePDF, false},
}

type key struct {
	name string
	seed uint64
}

// cache holds each corpus that was asked for, as a func() *Corpus that makes it once.
var cache sync.Map

// Get returns the corpus of that name: json, bitmap, prose, html or pdf. It panics if there is none. The same seed gives the same octets, always
// and everywhere; 1 is the usual one. What has been made is kept.
func Get(name string, seed uint64) *Corpus {
	kind, ok := kinds[name]
	if !ok {
		panic("corpus: there is no " + name)
	}
	made, ok := cache.Load(key{name, seed})
	if !ok {
		made, _ = cache.LoadOrStore(key{name, seed}, sync.OnceValue(func() *Corpus {
			r := rng(seed)
			for _, c := range []byte(name) { // so that the five have nothing in common
				r = rng(r.next()) ^ rng(c)
			}
			return newCorpus(kind.make(&r), kind.text)
		}))
	}
	return made.(func() *Corpus)()
}
