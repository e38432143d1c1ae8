package main

var frameMutants = []mutant{
	// Headers as they come: 5.2.
	{name: "RSV1 is taken without an extension", file: "frame/header.go", old: "case b0>>4&7&^rsv != 0:", new: "case b0>>4&3&^rsv != 0:"},
	{name: "opcode B is taken", file: "frame/opcode.go", old: "0b1111_1000_1111_1000", new: "0b1111_0000_1111_1000"},
	{name: "opcode 7 is taken", file: "frame/opcode.go", old: "0b1111_1000_1111_1000", new: "0b1111_1000_0111_1000"},
	{name: "fragmented pings are taken", file: "frame/header.go", old: "case op.IsControl() && b0 < 0x80:", new: "case op == Close && b0 < 0x80:"},
	{name: "empty frames of a client need no mask", file: "frame/header.go",
		old: "case from == FromClient && !masked:", new: "case from == FromClient && !masked && length > 0:"},
	{name: "control frames of a server may be masked", file: "frame/header.go",
		old: "case from == FromServer && masked:", new: "case from == FromServer && masked && !op.IsControl():"},
	{name: "control frames may have 126 octets and more", file: "frame/header.go",
		old: "case length > MaxControlPayload && op.IsControl():", new: "case length > length16 && op.IsControl():"},
	{name: "125 in 16 bits is minimal", file: "frame/header.go", old: "if v < length16 {", new: "if v < length16-1 {"},
	{name: "16 bits of length have the low octet first", file: "frame/header.go",
		old: "v := binary.BigEndian.Uint16(b[2:])", new: "v := binary.LittleEndian.Uint16(b[2:])"},
	{name: "the highest bit of a length may be set", file: "frame/header.go", old: "b[2] >= 0x80 {", new: "b[2] > 0x80 {"},
	{name: "256 to 65535 in 64 bits are minimal", file: "frame/header.go",
		old: "if len(b) >= 8 && [6]byte(b[2:]) == [6]byte{} {", new: "if len(b) >= 9 && [7]byte(b[2:]) == [7]byte{} {"},
	{name: "a length that is not minimal shows an octet later", file: "frame/header.go",
		old: "if len(b) >= 8 && [6]byte", new: "if len(b) >= 9 && [6]byte"},
	{name: "a header is whole without the last octet of its key", file: "frame/header.go", old: "if len(b)-n < 4 {", new: "if len(b)-n < 3 {"},

	// Headers as they go.
	{name: "126 goes out in 7 bits", file: "frame/header.go", old: "case length <= 125:", new: "case length <= 126:"},
	{name: "65535 goes out in 64 bits", file: "frame/header.go", old: "case length <= 0xffff:", new: "case length < 0xffff:"},
	{name: "Size counts 65535 for 64 bits", file: "frame/header.go", old: "case length > 0xffff:", new: "case length >= 0xffff:"},
	{name: "RSV1 never goes out", file: "frame/header.go", old: "h.Rsv&7<<4", new: "h.Rsv&3<<4"},
	{name: "the key goes out the other way round", file: "frame/header.go",
		old: "binary.LittleEndian.AppendUint32(dst, h.Key)", new: "binary.BigEndian.AppendUint32(dst, h.Key)"},
	{name: "Read refuses what is as long as its limit", file: "frame/frame.go",
		old: "if max >= 0 && h.Length > max ||", new: "if max >= 0 && h.Length >= max ||"},

	// Masks: 5.3.
	{name: "the key turns the wrong way between pieces", file: "frame/mask.go",
		old: "bits.RotateLeft32(key, -8*(n&3))", new: "bits.RotateLeft32(key, 8*(n&3))"},
	{name: "the key does not turn within 5 to 7 octets", file: "frame/mask.go",
		old: "y := binary.LittleEndian.Uint32(last) ^ next", new: "y := binary.LittleEndian.Uint32(last) ^ key"},
	{name: "in blocks of 64 one word is masked from the next", file: "frame/mask.go",
		old: "binary.LittleEndian.PutUint64(c[40:], binary.LittleEndian.Uint64(c[40:])^k)",
		new: "binary.LittleEndian.PutUint64(c[40:], binary.LittleEndian.Uint64(c[48:])^k)"},

	// UTF-8: 8.1.
	{name: "C1 begins a character", file: "frame/utf8.go", old: "{textOK, 0xc2, 0xdf, textTail1}", new: "{textOK, 0xc1, 0xdf, textTail1}"},
	{name: "C0 and C1 pass amid ASCII", file: "frame/utf8.go",
		old: "if w&0x808080808080c0e0 == 0x80c0 && w&0x1e != 0 {", new: "if w&0x808080808080c0e0 == 0x80c0 {"},
	{name: "overlong characters of three octets pass", file: "frame/utf8.go", old: "{textE0, 0xa0, 0xbf,", new: "{textE0, 0x80, 0xbf,"},
	{name: "surrogates pass", file: "frame/utf8.go", old: "{textED, 0x80, 0x9f,", new: "{textED, 0x80, 0xbf,"},
	{name: "characters above 10FFFF pass", file: "frame/utf8.go", old: "{textF4, 0x80, 0x8f,", new: "{textF4, 0x80, 0x90,"},
	{name: "ASCII passes where the rest of a character is due", file: "frame/utf8.go",
		old: "if s&63 == textOK {\n\t\tfor", new: "if s&63 != textBad {\n\t\tfor"},
	{name: "a text may end within a character", file: "frame/utf8.go",
		old: "return u.state == textOK", new: "return u.state != textBad"},

	// Close: 5.5.1, 7.4.
	{name: "1004 is a close code", file: "frame/closecode.go", old: "case 1000 <= c && c <= 1003:", new: "case 1000 <= c && c <= 1004:"},
	{name: "999 is a close code", file: "frame/closecode.go", old: "case 1000 <= c && c <= 1003:", new: "case 999 <= c && c <= 1003:"},
	{name: "1011 is no close code", file: "frame/closecode.go", old: "case 1007 <= c && c <= 1011:", new: "case 1007 <= c && c <= 1010:"},
	{name: "1015 is a close code", file: "frame/closecode.go", old: "case 1012 <= c && c <= 1014:", new: "case 1012 <= c && c <= 1015:"},
	{name: "2999 is a close code", file: "frame/closecode.go", old: "case 3000 <= c && c <= 4999:", new: "case 2999 <= c && c <= 4999:"},
	{name: "5000 is a close code", file: "frame/closecode.go", old: "case 3000 <= c && c <= 4999:", new: "case 3000 <= c && c <= 5000:"},
	{name: "a Close of one octet is one without a code", file: "frame/closecode.go",
		old: "return 0, nil, ErrCloseLength", new: "return CloseNoStatus, nil, nil"},
	{name: "a reason may end within a character", file: "frame/closecode.go",
		old: "if !ValidUTF8(reason) {", new: "if u := (UTF8{}); !u.Valid(reason) {"},
	{name: "reasons of 124 octets go out", file: "frame/closecode.go",
		old: "case len(reason) > MaxControlPayload-2:", new: "case len(reason) > MaxControlPayload-1:"},
}
