#!/bin/bash -eu
# Copyright 2026 The idlewire authors. To be had, as OSS-Fuzz asks of what is in its repository, under http://www.apache.org/licenses/LICENSE-2.0 as well.

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
conn FuzzSending
conn FuzzSocket
netpoll FuzzSimulation
'
# Not here: conn.FuzzConn, conn.FuzzCalls and conn.FuzzSession, which compile, and die of their first input: testing/synctest asks the T of OSS-Fuzz whether it has failed, and it panics.

module=github.com/idlewire/idlewire
packages=$(awk 'NF == 2 { print $1 }' <<<"$targets" | sort -u)
aside=$(mktemp -d)
# The test files are changed below, and others away, and come back however this ends.
restore() {
	for package in $packages; do cp -p "$aside/$package"/*_test.go "$package/"; done
	[ ! -d "$aside/corpus" ] || mv "$aside/corpus"/*.go fuzz/corpus/
	rm -rf "$aside"
}
for package in $packages; do
	mkdir -p "$aside/$package"
	cp -p "$package"/*_test.go "$aside/$package/"
done
trap restore EXIT

# The compiler of targets replaces files of the standard library, which the go command allows anywhere but in the cache of modules. There the
# toolchain is if go.mod asked for a newer one than the image's.
goroot=$(go env GOROOT)
if [[ $goroot == "$(go env GOMODCACHE)"* ]]; then
	cp -r "$goroot" "$aside/go"
	chmod -R u+w "$aside/go"
	export GOROOT=$aside/go PATH=$aside/go/bin:$PATH GOTOOLCHAIN=local
fi

# F.Add does nothing there: what a target starts from has to be in a file. Without it a target is worse, but it is one.
# shellcheck disable=SC2046,SC2086
go run ./fuzz/oss-fuzz/native -seeds "$WORK/seeds" $(printf './%s ' $packages) || echo 'no seeds' >&2

# It makes each _test.go file one of the package itself, also those of package x_test, which no target needs: then there are two packages in a folder.
for package in $packages; do
	for file in $(go list -f '{{range .XTestGoFiles}}{{.}} {{end}}' "./$package"); do
		rm "$package/$file"
	done
done

# For a report of coverage it reads the one file that has the name of the target in it, of all below the package. Here a program has some as well.
mkdir "$aside/corpus"
mv fuzz/corpus/*.go "$aside/corpus/"

while read -r package target; do
	[ -n "$package" ] || continue
	name=${package}_${target}
	# It looks for the target by the beginning of its name, and gives up, as if it had succeeded, where that of another is the same: FuzzServerBytes.
	sed -i "s/^func \(${target}[A-Za-z0-9]\+(f \*testing\.F)\)/func hidden\1/" "$package"/*_test.go
	compile_native_go_fuzzer_v2 "$module/$package" "$target" "$name"
	sed -i "s/^func hidden\($target\)/func \1/" "$package"/*_test.go
	[ -x "$OUT/$name" ] || { echo "$name has not been made" >&2; exit 1; }
	cp fuzz/corpus/websocket.dict "$OUT/$name.dict"
	[ ! -d "$WORK/seeds/$package/$target" ] || zip -q -j -r "$OUT/${name}_seed_corpus.zip" "$WORK/seeds/$package/$target"
done <<<"$targets"
