package conn

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/idlewire/idlewire/handshake"
)

// A hop is where one opening handshake goes, and what the program wants sent along.
type hop struct {
	url    *url.URL
	header http.Header
}

func isRedirect(e *handshake.Error) bool {
	switch e.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirect returns the hop to which refusal leads. The credentials of the program go along only to the origin for which they were meant; once dropped they do
// not come back.
func (h hop) redirect(refusal *handshake.Error) (hop, error) {
	fail := func(why string) (hop, error) {
		return hop{}, fmt.Errorf("redirect %s: %w", why, refusal)
	}
	location := refusal.Header.Get("Location")
	if location == "" {
		return fail("without a location")
	}
	to, err := h.url.Parse(location)
	if err != nil {
		return fail("to no URL")
	}
	to.Scheme = strings.ToLower(to.Scheme)
	switch to.Scheme {
	case "http":
		to.Scheme = "ws"
	case "https":
		to.Scheme = "wss"
	}
	to.Fragment, to.RawFragment = "", ""
	to.User = nil // the server has no business to choose it
	if to, err = handshake.ParseURL(to.String()); err != nil {
		return fail("to no URL of a WebSocket")
	}
	if strings.EqualFold(h.url.Scheme, "wss") && to.Scheme == "ws" {
		return fail("from wss to ws")
	}
	if sameURLOrigin(h.url, to) {
		to.User = h.url.User
		return hop{to, h.header}, nil
	}
	header := h.header.Clone()
	for name := range header {
		switch http.CanonicalHeaderKey(name) {
		case "Authorization", "Cookie", "Cookie2", "Proxy-Authorization", "Www-Authenticate":
			delete(header, name)
		}
	}
	return hop{to, header}, nil
}

// sameURLOrigin compares scheme, host and port.
func sameURLOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(address(a), address(b))
}

// asHTTP returns u in the words of those who know only http.
func asHTTP(u *url.URL) *url.URL {
	h := *u
	h.User = nil
	if h.Scheme = "http"; strings.EqualFold(u.Scheme, "wss") {
		h.Scheme = "https"
	}
	return &h
}

// withCookies returns h's header with the cookies that the jar has for it.
func (d *Dialer) withCookies(h hop) http.Header {
	if d.Jar == nil {
		return h.header
	}
	cookies := d.Jar.Cookies(asHTTP(h.url))
	if len(cookies) == 0 {
		return h.header
	}
	var all []string
	if own := h.header.Get("Cookie"); own != "" {
		all = append(all, own)
	}
	for _, c := range cookies {
		all = append(all, (&http.Cookie{Name: c.Name, Value: c.Value, Quoted: c.Quoted}).String())
	}
	header := h.header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	header.Set("Cookie", strings.Join(all, "; ")) // RFC 6265 5.4: one header
	return header
}

// keepCookies gives the jar the cookies of a response.
func (d *Dialer) keepCookies(u *url.URL, r *handshake.Response) {
	if d.Jar == nil {
		return
	}
	h := make(http.Header)
	for v := range r.Values("Set-Cookie") {
		h.Add("Set-Cookie", string(v))
	}
	if cookies := (&http.Response{Header: h}).Cookies(); len(cookies) > 0 {
		d.Jar.SetCookies(asHTTP(u), cookies)
	}
}

var noDeadline time.Time

// eofIsUnexpected returns err, or io.ErrUnexpectedEOF for io.EOF.
func eofIsUnexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
