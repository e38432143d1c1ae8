package golibs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// chromiumIs: it compresses all that it says.
var chromiumIs = end{threshold: 126}

// needChromium returns the path of Chromium. Without it the test is skipped.
func needChromium(t *testing.T) string {
	t.Helper()
	if os.Getenv("INTEROP_WITHOUT_CHROMIUM") == "1" {
		t.Skip("INTEROP_WITHOUT_CHROMIUM=1 says so")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium here; interop/run installs it where it may, on Debian: apt-get install chromium")
	return ""
}

// browse lets a headless Chromium open the page with these rows, and returns what it posts.
func browse(t *testing.T, rows any) string {
	chromium := needChromium(t)
	result := make(chan string, 1)
	list, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(filepath.Join("..", "browser"))))
	mux.HandleFunc("/rows", func(w http.ResponseWriter, r *http.Request) { w.Write(list) })
	mux.HandleFunc("/result", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		select {
		case result <- string(b):
		default:
		}
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	home, err := os.MkdirTemp(built, "chromium-")
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(home, "log")) // a file: what Chromium leaves behind holds no pipe open
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking",
		"--disable-crash-reporter", "--no-first-run", "--no-proxy-server", "--user-data-dir="+filepath.Join(home, "data"), s.URL+"/page.html")
	cmd.Stdout, cmd.Stderr = log, log
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case lines := <-result:
		killGroup(cmd)
		<-ended
		return lines
	case err = <-ended:
	case <-time.After(120 * time.Second):
		killGroup(cmd)
		err = fmt.Errorf("the page is not done, %w", <-ended)
	}
	said, _ := os.ReadFile(log.Name())
	t.Fatalf("chromium: %v\n%s", err, said)
	return ""
}

// holdChromium lets Chromium hold the conversations. It always offers "permessage-deflate; client_max_window_bits".
func holdChromium(t *testing.T, talks []talk, target func(talk) string, is func(*testing.T, talk) end) {
	needChromium(t)
	var s scriptRows
	for _, k := range talks {
		s.add(t, k, target(k), "/deflate?deflate="+url.QueryEscape(k.serverKnobs), "")
	}
	for line := range strings.SplitSeq(browse(t, s.rows), "\n") {
		s.hear(t, line)
	}
	s.judge(t, talks, func(t *testing.T, k talk) (end, end) { return chromiumIs, is(t, k) })
}

// TestDeflateChromiumAmongThemselves: Chromium with the libraries' servers that do not look at the origin.
func TestDeflateChromiumAmongThemselves(t *testing.T) {
	urls := serveDeflate(t, deflateLibs)
	holdChromium(t, []talk{
		{client: "chromium", server: "gws", serverKnobs: both, long: true},
		{client: "chromium", server: "gws", serverKnobs: both + " server_bits=9 client_bits=10", want: "client_max_window_bits=10; server_max_window_bits=9"},
		{client: "chromium", server: "gobwas", want: none},
	}, func(k talk) string { return urls[k.server] }, libIs)
}
