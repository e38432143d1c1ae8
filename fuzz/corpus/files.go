package corpus

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/idlewire/idlewire/fuzz"
)

// Prefixes are how the names of files begin that are made here. What a fuzzer has found, and somebody kept, is named otherwise.
var Prefixes = []string{"case-", "rfc", "takeover-", "V", "D0", "http-", "text-"}

// Files are all files, by their paths from the root of the module.
func Files() map[string][]byte {
	files := map[string][]byte{"fuzz/corpus/websocket.dict": dictionary(), "fuzz/corpus/INDEX.md": index()}
	add := func(target, name string, arguments ...any) {
		dir, fn := path.Split(target)
		files[path.Join(dir, "testdata/fuzz", fn, name)] = encode(arguments...)
	}
	for _, e := range All() {
		for _, to := range []fuzz.Role{fuzz.Server, fuzz.Client} {
			if e.AsIs && to != e.Role {
				continue
			}
			stream := e.Stream(to)
			files["fuzz/corpus/raw/"+to.String()+"/"+e.Name] = stream
			add([...]string{"fuzz/FuzzServerBytes", "fuzz/FuzzClientBytes"}[to], e.Name, stream, e.Plan())
			if !strings.HasPrefix(e.Name, "case-") && e.Deflate == plainOctet && len(stream) < 1000 {
				add([...]string{"conn/FuzzReceiveServer", "conn/FuzzReceiveClient"}[to], e.Name, stream, []byte{0, 1, 7, 255})
				add("conn/FuzzConn", e.Name+"-"+to.String(), stream, byte(len(stream)/2), to == fuzz.Client)
				add("frame/FuzzRead", e.Name+"-"+to.String(), stream, byte(1+to), int64(1<<20))
			}
		}
		if header := (&fuzz.Session{Frames: e.Frames}).Bytes(); strings.HasPrefix(e.Name, "V") {
			add("fuzz/FuzzHeader", e.Name, header[:min(len(header), 14)], byte(1))
			add("frame/FuzzParseHeader", e.Name, header[:min(len(header), 14)], byte(2), byte(4))
		}
		if payload := dataOf(e.Frames); e.Deflate != plainOctet && len(payload) > 0 && len(payload) < 4096 && !strings.HasPrefix(e.Name, "case-13") {
			files["fuzz/corpus/raw/deflate/"+e.Name] = payload
			add("deflate/FuzzInflate", e.Name, payload, []byte("Hello"), byte(7), []byte{0, 1, 0x41, 0x9e})
			add("deflate/FuzzInflateOthers", e.Name, payload, []byte{})
		}
	}
	for name, text := range texts {
		files["fuzz/corpus/raw/text/text-"+name] = []byte(text)
		add("fuzz/FuzzText", "text-"+name, []byte(text), []byte{1})
		add("frame/FuzzUTF8", "text-"+name, []byte(text), byte(1), byte(2))
		add("fuzz/FuzzClose", "text-"+name, append([]byte{3, 0xe8}, text...))
		add("frame/FuzzClosePayload", "text-"+name, append([]byte{3, 0xe8}, text...))
	}
	for name, text := range requests() {
		files["fuzz/corpus/raw/request/"+name] = []byte(text)
		add("handshake/FuzzRequest", name, []byte(text), uint16(len(text)/3), uint16(len(text)/2))
	}
	for name, text := range responses() {
		files["fuzz/corpus/raw/response/"+name] = []byte(text)
		add("handshake/FuzzResponse", name, []byte(text), uint16(len(text)/2))
	}
	for name, text := range extensions {
		add("handshake/FuzzExtensions", "http-"+name, []byte(text))
		add("deflate/FuzzParams", "http-"+name, text, uint16(0x1234), uint16(0x4321))
	}
	return files
}

// dataOf joins the payloads of data frames.
func dataOf(frames []fuzz.Frame) (b []byte) {
	for _, f := range frames {
		if f.Opcode < fuzz.OpClose {
			b = append(b, f.Payload...)
		}
	}
	return b
}

// encode is the form in which Go's fuzzer keeps the arguments of a target.
func encode(arguments ...any) []byte {
	b := []byte("go test fuzz v1\n")
	for _, a := range arguments {
		switch a := a.(type) {
		case byte:
			b = fmt.Appendf(b, "byte(%q)\n", a)
		case []byte:
			b = fmt.Appendf(b, "[]byte(%q)\n", a)
		default:
			b = fmt.Appendf(b, "%T(%#v)\n", a, a)
		}
	}
	return b
}

// index lists the entries for a reader.
func index() []byte {
	b := []byte("# Corpora\n\nWritten by `go run ./fuzz/corpus/write`. Each row is `raw/server/NAME`, `raw/client/NAME` or both, and a seed of the targets in `testdata/fuzz`.\n" +
		"Cases that are the same when they are cut down (600 octets of a payload, 24 frames) are there once.\n\n| name | | octets to a client or server |\n|---|---|---|\n")
	for _, e := range All() {
		to := fuzz.Client
		if e.AsIs {
			to = e.Role
		}
		b = fmt.Appendf(b, "| %s | %s | %d |\n", e.Name, strings.ReplaceAll(e.Note, "|", "\\|"), len(e.Stream(to)))
	}
	return b
}

// dictionary is for libFuzzer (-dict=) and AFL (-x): what parsers compare with.
func dictionary() []byte {
	tokens := map[string]string{
		"text": "\x81", "binary": "\x82", "close": "\x88", "ping": "\x89", "pong": "\x8a", "first": "\x01", "continuation": "\x00", "last": "\x80", "compressed": "\xc1",
		"masked_0": "\x80\x00\x00\x00\x00", "masked_16": "\xfe", "masked_64": "\xff", "length_16": "\x7e", "length_64": "\x7f", "length_125": "\x7d",
		"length_65535": "\xff\xff", "length_65536": "\x00\x00\x00\x00\x00\x01\x00\x00", "length_top": "\x80\x00\x00\x00\x00\x00\x00\x00",
		"length_max": "\x7f\xff\xff\xff\xff\xff\xff\xff", "length_32": "\x00\x00\x00\x01\x00\x00\x00\x00",
		"close_1000": "\x88\x02\x03\xe8", "close_1005": "\x03\xed", "close_1006": "\x03\xee", "close_4999": "\x13\x87",
		"surrogate": "\xed\xa0\x80", "overlong": "\xc0\xaf", "beyond": "\xf4\x90\x80\x80", "smile": "\U0001f600", "euro": "\u20ac",
		"hello_deflated": "\xf2\x48\xcd\xc9\xc9\x07\x00", "hello_again": "\xf2\x00\x11\x00\x00", "hello_final": "\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
		"empty_block": "\x00\x00\x00\xff\xff", "tail": "\x00\x00\xff\xff", "stored_5": "\x00\x05\x00\xfa\xff",
		"upgrade": "Upgrade: websocket\r\n", "connection": "Connection: Upgrade\r\n", "version": "Sec-WebSocket-Version: 13\r\n", "key": "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
		"accept": "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "protocol": "Sec-WebSocket-Protocol: ", "extensions": "Sec-WebSocket-Extensions: permessage-deflate\r\n",
		"deflate": "permessage-deflate", "client_bits": "; client_max_window_bits", "server_bits": "; server_max_window_bits=10",
		"client_takeover": "; client_no_context_takeover", "server_takeover": "; server_no_context_takeover", "status": "HTTP/1.1 101 Switching Protocols\r\n",
		"get": "GET / HTTP/1.1\r\n", "end": "\r\n\r\n",
	}
	b := []byte("# Written by go run ./fuzz/corpus/write\n")
	for _, name := range slices.Sorted(maps.Keys(tokens)) {
		b = fmt.Appendf(b, "%s=\"", name)
		for _, c := range []byte(tokens[name]) {
			if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
				b = append(b, c)
			} else {
				b = fmt.Appendf(b, "\\x%02x", c)
			}
		}
		b = append(b, "\"\n"...)
	}
	return b
}
