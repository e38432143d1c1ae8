package handshake

import "bytes"

// An origin is scheme, host and port of an Origin header (RFC 6454 section 7).
type origin struct {
	scheme, host []byte
	port         int // the scheme's own if none is given; 0 if the scheme has none
}

// parseOrigin takes exactly one serialized origin: scheme "://" host [ ":" port ]. A list,
// "null", a path or user information are none.
func parseOrigin(v []byte) (o origin, ok bool) {
	i := bytes.Index(v, []byte("://"))
	if i <= 0 {
		return origin{}, false
	}
	o.scheme = v[:i]
	if !isToken(o.scheme) {
		return origin{}, false
	}
	if o.host, o.port, ok = cutAuthority(v[i+3:]); !ok {
		return origin{}, false
	}
	if o.port == 0 {
		o.port = defaultPort(o.scheme)
	}
	return o, true
}

func defaultPort(scheme []byte) int {
	switch {
	case equalFold(scheme, "http"):
		return 80
	case equalFold(scheme, "https"):
		return 443
	}
	return 0
}

// sameOrigin reports whether o is where the request itself went. Behind a proxy that ends TLS
// we cannot know the scheme of the request; without TLS of our own both are taken.
func sameOrigin(o origin, r *Request) bool {
	own := defaultPort(o.scheme) // the port of a Host without one, if it is of this scheme
	if own == 0 || r.TLS && own != 443 {
		return false
	}
	host, port, _ := cutAuthority(r.Host())
	if port == 0 {
		port = own
	}
	return port == o.port && equalHost(host, o.host)
}

// allowsOrigin reports whether u takes a request with r's Origin (10.2).
func (u *Upgrader) allowsOrigin(r *Request) bool {
	v := r.Origin()
	if v == nil && u.RequireOrigin {
		return false
	}
	if u.CheckOrigin != nil {
		return u.CheckOrigin(r)
	}
	if v == nil {
		return true // no browser
	}
	o, ok := parseOrigin(v)
	if len(u.Origins) == 0 {
		return ok && sameOrigin(o, r)
	}
	for _, allowed := range u.Origins {
		if len(v) > 0 && string(v) == allowed { // such as "null", if the program says so
			return true
		}
		if !ok {
			continue
		}
		a, valid := parseOrigin([]byte(allowed))
		if valid && equalFold(o.scheme, a.scheme) && o.port == a.port && equalHost(o.host, a.host) {
			return true
		}
	}
	return false
}

// cutAuthority cuts "host[:port]" in two; port is 0 if there is none. ok says that it is well
// formed: the host is a name of letters, digits, '-', '.', '_' and '~', or an address in
// brackets. RFC 3986 3.2.2 lets names have percent signs and punctuation too, but no host is
// called so, and a comma or an '@' there is a trick.
func cutAuthority(b []byte) (host []byte, port int, ok bool) {
	n := 0
	if len(b) > 0 && b[0] == '[' {
		colons := 0
		for n = 1; n < len(b) && (isHex(b[n]) || b[n] == ':' || b[n] == '.'); n++ {
			if b[n] == ':' {
				colons++
			}
		}
		if n == len(b) || b[n] != ']' || colons < 2 {
			return nil, 0, false
		}
		n++
	} else {
		for n < len(b) && isHostByte(b[n]) {
			n++
		}
	}
	if n == 0 {
		return nil, 0, false
	}
	host, b = b[:n], b[n:]
	if len(b) == 0 {
		return host, 0, true
	}
	if b[0] != ':' || len(b) > len(":65535") {
		return nil, 0, false
	}
	for _, c := range b[1:] {
		if !isDigit(c) {
			return nil, 0, false
		}
		port = port*10 + int(c-'0')
	}
	// RFC 3986 3.2.3: the port may be empty, which means the default. Nothing listens on 0.
	if port > 65535 || port == 0 && len(b) > 1 {
		return nil, 0, false
	}
	return host, port, true
}

func isAuthority(b []byte) bool {
	_, _, ok := cutAuthority(b)
	return ok
}

func isHostByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || isDigit(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// equalHost compares two hosts that cutAuthority accepted. 4.2.1: names in either case.
func equalHost(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if c != b[i] && (c|0x20 != b[i]|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
