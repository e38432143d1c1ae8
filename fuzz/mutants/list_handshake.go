package main

var handshakeMutants = []mutant{
	// Keys: 4.1, 4.2.2.
	{name: "the GUID has a wrong digit", file: "handshake/key.go", old: "C5AB0DC85B11", new: "C5AB0DC85B12"},
	{name: "a key need not be canonical", file: "handshake/key.go", old: "case 'A', 'Q', 'g', 'w':", new: "case 'A', 'B', 'Q', 'g', 'w':"},
	{name: "a key may have one sign at its end", file: "handshake/key.go", old: "key[22] != '=' || ", new: ""},
	{name: "all keys are the same", file: "handshake/key.go", old: "rand.Read(nonce[:])", new: "rand.Read(nonce[:0])"},
	{name: "the client does not compare the accept", file: "handshake/offer.go",
		old: "n != 1 || string(v) != string(want[:])", new: "n != 1 || len(v) != len(want)"},

	// Lines: RFC 9112.
	{name: "a bare LF ends a line", file: "handshake/head.go", old: "bare := line.to < line.from || h.buf[line.to] != '\\r'", new: "bare := line.to < line.from"},
	{name: "the methods are in either case", file: "handshake/request.go",
		old: "if string(b[:i]) != \"GET\" {", new: "if !equalFold(b[:i], \"GET\") {"},
	{name: "HTTP/1.0 is taken", file: "handshake/request.go",
		old: "string(v) != \"HTTP/1.1\" {", new: "string(v) != \"HTTP/1.1\" && string(v) != \"HTTP/1.0\" {"},
	{name: "a target may have a fragment", file: "handshake/request.go", old: "c >= 0x7f || c == '#':", new: "c >= 0x7f:"},
	{name: "values may have control characters", file: "handshake/head.go",
		old: "return b[:n], value, isFieldValue(v)", new: "return b[:n], value, true"},
	{name: "a value may have a DEL among its first octets", file: "handshake/header.go",
		old: "return ((x-ones*0x20)&^x|(del-ones)&^del)&high != 0", new: "return ((x-ones*0x20)&^x|(del-ones)&^del&0)&high != 0"},
	{name: "a value may have a DEL among its last octets", file: "handshake/header.go",
		old: "if c := b[i]; c < ' ' && c != '\\t' || c == 0x7f {", new: "if c := b[i]; c < ' ' && c != '\\t' {"},
	{name: "a quote may stand in a token", file: "handshake/header.go", old: "[]byte(\"!#$", new: "[]byte(\"!\\\"#$"},
	{name: "a semicolon separates elements of a list", file: "handshake/header.go", old: "if c == ',' {", new: "if c == ',' || c == ';' {"},

	// Limits.
	{name: "the last header line within the limit is one too many", file: "handshake/head.go",
		old: "int(h.count) > l.Headers {", new: "int(h.count) >= l.Headers {"},
	{name: "the request line may be an octet longer", file: "handshake/head.go", old: "end = int(h.line) + l.RequestLine", new: "end = int(h.line) + l.RequestLine + 1"},
	{name: "a header line may be an octet longer", file: "handshake/head.go", old: "int(h.line)+l.HeaderLine,", new: "int(h.line)+l.HeaderLine+1,"},
	{name: "the headers may be an octet longer", file: "handshake/head.go", old: "int(h.start)+l.HeaderBytes", new: "int(h.start)+l.HeaderBytes+1"},
	{name: "17 extensions are taken", file: "handshake/extension.go", old: "n > maxExtensions {", new: "n > maxExtensions+1 {"},
	{name: "16 parameters are too many", file: "handshake/extension.go", old: "params > maxParams {", new: "params >= maxParams {"},
	{name: "a parameter may have an empty value", file: "handshake/extension.go",
		old: "b = cutValue(trimLeft(b[1:])); len(value) == 0 {", new: "b = cutValue(trimLeft(b[1:])); value == nil {"},

	// What a request must have: 4.2.1.
	{name: "version 130 is taken", file: "handshake/request.go",
		old: "if string(r.slice(value)) == \"13\" {", new: "if bytes.HasPrefix(r.slice(value), []byte(\"13\")) {"},
	{name: "two versions are taken", file: "handshake/request.go", old: "case s&sawSecondVersion != 0:", new: "case s&sawSecondVersion != 0 && s&saw13 == 0:"},
	{name: "two keys are taken", file: "handshake/request.go", old: "case s&(sawKey|sawSecondKey) != sawKey ||", new: "case s&sawKey == 0 ||"},
	{name: "two hosts are taken", file: "handshake/request.go", old: "case s&(sawHost|sawSecondHost) != sawHost ||", new: "case s&sawHost == 0 ||"},
	{name: "Upgrade will do without Connection", file: "handshake/request.go",
		old: "case s&(sawUpgrade|sawConnection) != sawUpgrade|sawConnection:", new: "case s&sawUpgrade == 0:"},
	{name: "Connection is no list", file: "handshake/request.go",
		old: "hasElement(r.slice(value), \"Upgrade\") {", new: "equalFold(r.slice(value), \"Upgrade\") {"},
	{name: "a request may have a body", file: "handshake/request.go",
		old: "if r.saw&sawLength != 0 || string(r.slice(value)) != \"0\" {", new: "if r.saw&sawLength != 0 {"},
	{name: "a request may have a transfer coding", file: "handshake/request.go",
		old: "\"Transfer-Encoding\") {\n\t\t\tr.saw |= sawBody\n", new: "\"Transfer-Encoding\") {\n"},
	{name: "a subprotocol need not be a token", file: "handshake/request.go", old: "case s&sawBadSubprotocol != 0 || ", new: "case "},

	// Origins: 10.2.
	{name: "the port of an origin does not count", file: "handshake/origin.go",
		old: "return port == o.port && equalHost(host, o.host)", new: "return equalHost(host, o.host)"},
	{name: "the scheme of an origin does not count", file: "handshake/origin.go",
		old: "if valid && equalFold(o.scheme, a.scheme) && o.port", new: "if valid && o.port"},
	{name: "origins of the same length are the same", file: "handshake/origin.go",
		old: "if c != b[i] && (c|0x20 != b[i]|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {", new: "if i < 0 && c != b[i] {"},
	{name: "RequireOrigin does not count beside CheckOrigin", file: "handshake/origin.go",
		old: "if v == nil && u.RequireOrigin {", new: "if v == nil && u.RequireOrigin && u.CheckOrigin == nil {"},
	{name: "port 65536 is taken", file: "handshake/origin.go", old: "if port > 65535 ||", new: "if port > 65536 ||"},

	// What an answer must have: 4.1.
	{name: "an answer may upgrade twice", file: "handshake/offer.go", old: "r.only(\"Upgrade\"); n != 1 ||", new: "r.only(\"Upgrade\"); n < 1 ||"},
	{name: "an answer may be HTTP/1.0", file: "handshake/offer.go", old: "case !r.http11:", new: "case !r.http11 && r.Status == 0:"},
	{name: "an answer may choose two subprotocols", file: "handshake/offer.go", old: "if n > 1 || n == 1 && i < 0 {", new: "if n == 1 && i < 0 {"},
	{name: "an answer may agree to an extension twice", file: "handshake/upgrader.go",
		old: "if !has(offers, e.Name) || has(agreed[:i], e.Name) {", new: "if !has(offers, e.Name) || i < 0 {"},
	{name: "an interim response other than 100 is the last", file: "handshake/response.go",
		old: "if r.status < 200 && r.status != http.StatusSwitchingProtocols {", new: "if r.status == 100 {"},

	// What goes out.
	{name: "a subprotocol is chosen in either case", file: "handshake/upgrader.go",
		old: "if len(e) > 0 && string(e) == s {", new: "if len(e) > 0 && equalFold(e, s) {"},
	{name: "a hook's header may end the line", file: "handshake/upgrader.go",
		old: "case !isFieldValue([]byte(value)):", new: "case !isFieldValue([]byte(value[:0])):"},
}
