package conn

import (
	"github.com/idlewire/idlewire/handshake"
)

// Accepting returns a function for Upgrader.Extensions that asks z first, and then next, if that is not nil, about the offers of other
// extensions. When z has accepted one, got is called with the Compressor, which is then the caller's to Release.
//
// [Accept] and the event driver call it themselves, for Options.Compression. It is for programs that drive a [Protocol] of their own.
func Accepting(z Compression, got func(Compressor), next func(*handshake.Request, []handshake.Extension) []handshake.Extension,
) func(*handshake.Request, []handshake.Extension) []handshake.Extension {
	return func(r *handshake.Request, offers []handshake.Extension) (agreed []handshake.Extension) {
		answer, c, ok := z.Accept(offers)
		if ok {
			got(c)
			agreed = append(agreed, answer)
		}
		if next == nil {
			return agreed
		}
		var others []handshake.Extension
		for _, e := range offers {
			if !ok || e.Name != answer.Name {
				others = append(others, e)
			}
		}
		if len(others) > 0 {
			agreed = append(agreed, next(r, others)...)
		}
		return agreed
	}
}
