module github.com/idlewire/idlewire/interop/golibs

go 1.26

replace github.com/idlewire/idlewire => ../..

require (
	github.com/coder/websocket v1.8.15
	github.com/gobwas/httphead v0.1.0
	github.com/gobwas/ws v1.5.0
	github.com/gorilla/websocket v1.5.3
	github.com/idlewire/idlewire v0.0.0-00010101000000-000000000000
	github.com/klauspost/compress v1.20.4
	github.com/lxzan/gws v1.8.9
)

require (
	github.com/dolthub/maphash v0.1.0 // indirect
	golang.org/x/sys v0.45.0 // indirect
)
