package conformance

import (
	"net/http"

	"github.com/lxzan/gws"
)

// A gwsEcho echoes what the library has read; gws checks text itself.
type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }

func (gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	c.WriteMessage(m.Opcode, m.Bytes())
}

func startGws() (*Running, error) {
	u := gws.NewUpgrader(gwsEcho{}, &gws.ServerOption{
		PermessageDeflate:   gws.PermessageDeflate{Enabled: true, ServerContextTakeover: true, ClientContextTakeover: true},
		CheckUtf8Enabled:    true,
		ReadMaxPayloadSize:  maxMessage,
		WriteMaxPayloadSize: maxMessage,
	})
	return underHTTP(func(w http.ResponseWriter, r *http.Request) {
		if c, err := u.Upgrade(w, r); err == nil {
			c.ReadLoop()
		}
	})
}
