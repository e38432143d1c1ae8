package autobahn

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// deflateCases are one case of section 1, and one of each profile.
func deflateCases(t *testing.T) []*Case {
	cases, err := Select(Cases(), []string{"1.1.1", "12.1.1", "13.1.1", "13.2.1", "13.3.1", "13.7.1"}, nil)
	require.NoError(t, err)
	return cases
}

// offering adds extensions to a request.
func offering(offers ...string) func(o *handshake.Offer) {
	return func(o *handshake.Offer) {
		for _, s := range offers {
			var err error
			if o.Extensions, err = handshake.ParseExtensions(o.Extensions, []byte(s)); err != nil {
				panic(err)
			}
		}
	}
}

func TestServerNegotiates(t *testing.T) {
	d := serve(t, func(s *Server) { s.Cases = deflateCases(t) })
	const all = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits"
	for _, row := range []struct{ id, offers, answer string }{
		{"1.1.1", all, ""},
		{"1.1.1", "permessage-deflate; nonsense", ""}, // nobody looks
		{"12.1.1", "", ""},
		{"12.1.1", "x-webkit-deflate-frame", ""},
		{"12.1.1", all, "permessage-deflate; server_no_context_takeover; server_max_window_bits=10"},
		{"13.2.1", all, "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_no_context_takeover"},
		{"13.3.1", "permessage-deflate", ""},
		{"13.3.1", "permessage-deflate, permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=9"},
		{"13.7.1", "permessage-deflate", "permessage-deflate; client_no_context_takeover"},
		{"12.1.1", "permessage-deflate; nonsense", "400"},
		{"12.1.1", "permessage-deflate, permessage-deflate; client_max_window_bits=16", "400"},
	} {
		var change []func(*handshake.Offer)
		if row.offers != "" {
			change = append(change, offering(strings.Split(row.offers, ", ")...))
		}
		url := "/runCase?casetuple=" + row.id + "&agent=a"
		if row.answer == "400" {
			status, says := d.refused(url, change...)
			require.Equal(t, 400, status)
			require.Contains(t, says, "Sec-WebSocket-Extensions")
			continue
		}
		v := d.knock(url, change...)
		resp := v.response()
		require.Equal(t, 101, resp.StatusCode, row)
		require.Equal(t, row.answer, resp.Header.Get("Sec-WebSocket-Extensions"), row)
		v.nc.Close()
	}
}

// What is no list of extensions is refused, whatever the case is about (9.1). An empty header is nothing.
func TestOpeningExtensions(t *testing.T) {
	for id, c := range map[string]*Case{"1.1.1": {}, "12.1.1": {Compression: &Compression{Profile: "12"}}} {
		for header, good := range map[string]bool{"": true, "a; b=\"c\"": true, ";": false, "permessage-deflate; =": false, "a b": false} {
			raw := strings.Replace(goodRequest, "Connection: ", "Sec-WebSocket-Extensions: "+header+"\r\nConnection: ", 1)
			q, _, err := readRequest(strings.NewReader(raw))
			require.NoError(t, err)
			no := (&ask{c: c}).negotiate(q)
			require.Equal(t, good, no == nil, "%s %q", id, header)
		}
	}
}

// A client that inflates passes, one that does not offer is told UNIMPLEMENTED.
func TestServerDeflates(t *testing.T) {
	d := serve(t, func(s *Server) { s.Cases = deflateCases(t) })
	for _, id := range []string{"12.1.1", "13.2.1", "13.3.1"} {
		v := d.enter("/runCase?casetuple="+id+"&agent=good", offering("permessage-deflate; client_max_window_bits; server_no_context_takeover; server_max_window_bits=9"))
		codec := deflate.New(deflate.Params{ServerNoContextTakeover: true, ServerMaxWindowBits: 9}, true)
		for {
			f, err := frame.Read(v.br, frame.FromServer, frame.Rsv1, 1<<20)
			if err != nil {
				break
			}
			if f.Rsv != 0 {
				f.Payload, err = codec.Decompress(nil, f.Payload, 1<<20)
				require.NoError(t, err)
			}
			v.write(f.Opcode, f.Payload) // an echo need not be compressed
		}
		d.enter("/runCase?casetuple=" + id + "&agent=plain").echo()
	}
	d.stop()
	r, err := d.end()
	require.NoError(t, err)
	require.Equal(t, map[string]Verdict{"12.1.1": OK, "13.2.1": OK, "13.3.1": OK}, behaviors(r, "good"))
	require.Equal(t, map[string]Verdict{"12.1.1": Unimplemented, "13.2.1": Unimplemented, "13.3.1": Unimplemented}, behaviors(r, "plain"))
	require.Contains(t, r.results["good"]["13.3.1"].HTTPResponse, "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9\r\n")
}
