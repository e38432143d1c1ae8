#!/bin/bash -eu
# OSS-Fuzz runs this in its base-builder-go image, in the root of the repository. A line of the list is a package and a target; the test of package fuzz says that it is complete.
targets='
fuzz FuzzServer
fuzz FuzzClient
fuzz FuzzServerBytes
fuzz FuzzClientBytes
fuzz FuzzPair
fuzz FuzzOpening
fuzz FuzzInflater
fuzz FuzzHeader
fuzz FuzzText
fuzz FuzzClose
frame FuzzParseHeader
frame FuzzMask
frame FuzzUTF8
frame FuzzClosePayload
frame FuzzRead
frame FuzzWrite
frame FuzzAppendClose
handshake FuzzRequest
handshake FuzzResponse
handshake FuzzExtensions
handshake FuzzOrigin
handshake FuzzOffer
handshake FuzzUpgrade
handshake FuzzHijack
deflate FuzzParams
deflate FuzzRoundTrip
deflate FuzzInflate
deflate FuzzInflateOthers
conn FuzzReceiveServer
conn FuzzReceiveClient
conn FuzzBackToBack
conn FuzzDial
conn FuzzAccept
'
# Not here: conn.FuzzConn, conn.FuzzCalls and netpoll.FuzzSimulation, which bring a clock or a kernel of their own (testing/synctest needs a *testing.T).

go get github.com/AdamKorcz/go-118-fuzz-build/testing

# The targets use what other _test.go files have. The second edition of the tool takes all of them; the first, the target's own file alone.
compile=compile_native_go_fuzzer
! command -v compile_native_go_fuzzer_v2 >/dev/null || compile=compile_native_go_fuzzer_v2

# What a target starts from: the raw octets of its kind. Targets with several arguments read them one after the other, lengths first, and find their way from there.
seeds() {
	case $1 in
	FuzzServer* | FuzzReceiveServer) echo raw/server ;;
	FuzzClient* | FuzzReceiveClient | FuzzRead | FuzzParseHeader | FuzzHeader) echo raw/client ;;
	FuzzInflate*) echo raw/deflate ;;
	FuzzText | FuzzUTF8 | FuzzClose*) echo raw/text ;;
	FuzzRequest) echo raw/request ;;
	FuzzResponse) echo raw/response ;;
	esac
}

while read -r package target; do
	[ -n "$package" ] || continue
	name=${package}_${target}
	"$compile" "github.com/idlewire/idlewire/$package" "$target" "$name"
	cp fuzz/corpus/websocket.dict "$OUT/$name.dict"
	dir=$(seeds "$target")
	[ -z "$dir" ] || zip -q -j -r "$OUT/${name}_seed_corpus.zip" "fuzz/corpus/$dir"
done <<<"$targets"
