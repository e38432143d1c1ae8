package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// selfSigned writes key.pem and cert.pem, which nobody has signed but they themselves.
func selfSigned(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{{127, 0, 0, 1}}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
}

func TestTLSServers(t *testing.T) {
	t.Chdir(t.TempDir())
	selfSigned(t)
	for _, driver := range []string{"", "portable", "blocking"} {
		args := []string{"-m", "echoserver", "-w", "wss://127.0.0.1:0", "-k", "key.pem", "-c", "cert.pem"}
		if driver != "" {
			args = append(args, "--driver", driver)
		}
		p := start(t, args...)
		require.Regexp(t, "^wss://", p.url)
		e := wstest(t.Context(), "-m", "fuzzingclient", "-w", p.url, "--only", "1.1.*,7.1.*")
		require.Equal(t, allGood, e.status, "%s: %+v", driver, e)
	}
}

func TestTLSClients(t *testing.T) {
	t.Chdir(t.TempDir())
	selfSigned(t)
	for _, flags := range [][]string{{}, {"-k", "key.pem", "-c", "cert.pem"}} {
		fields := ""
		if len(flags) == 0 {
			fields = `, "key": "key.pem", "cert": "cert.pem"`
		} else {
			fields = `, "key": "nowhere", "cert": "nowhere"` // flags go before it
		}
		write(t, "spec.json", `{"url": "wss://127.0.0.1:0", "cases": ["1.1.*", "7.1.*"]`+fields+`}`)
		p := start(t, append(flags, "-m", "fuzzingserver", "-s", "spec.json")...)
		e := wstest(t.Context(), "-m", "echoclient", "-w", p.url+"/")
		require.Equal(t, allGood, e.status, "%+v", e)
		e = p.stop()
		require.Equal(t, allGood, e.status, "%+v", e)
	}
}
