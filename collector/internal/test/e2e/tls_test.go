package e2e

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestEndToEndTLS does what docs/tasks.md says about TLS: it makes the certificates,
// and has a real Prometheus scrape an exporter, each with the example of its
// configuration. A client without a certificate gets nothing.
func TestEndToEndTLS(t *testing.T) {
	parallelUnlessShort(t)
	program(t, "openssl")
	prometheus := program(t, "prometheus")
	page, err := os.ReadFile(docs + "tasks.md")
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile("(?s)```sh\n(.*?)```").FindSubmatch(page)
	if script == nil {
		t.Fatal("the page has no script")
	}
	dir := t.TempDir()
	sh := exec.Command("sh", "-euc", strings.ReplaceAll(string(script[1]), "DNS:%s\\n' \"$1\"", "IP:127.0.0.1\\n'"))
	sh.Dir = dir
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	address, server := freeAddress(t), freeAddress(t)
	example := func(name string, oldnew ...string) string {
		text, err := os.ReadFile(docs + "service/" + name)
		if err != nil {
			t.Fatal(err)
		}
		replaced := strings.NewReplacer(oldnew...).Replace(string(text))
		if err := os.WriteFile(at(name), []byte(replaced), 0o644); err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	const credentials = "/run/credentials/host_exporter.service/"
	web := example("web.yml", credentials+"host_exporter.", at("db1.example.com."), credentials, dir+"/")
	config := example("prometheus-tls.yml", "/etc/prometheus/tls/", dir+"/", "db1.example.com:9100", address)
	run(t, build(t), "--web.listen-address="+address, "--web.config.file="+web)
	run(t, prometheus, "--config.file="+config, "--web.listen-address="+server, "--storage.tsdb.path="+at("data"))
	get(t, "http://"+server+"/-/ready")
	if !eventually(2*time.Minute, func() bool {
		n, err := prom("http://" + server).query(`up{job="node"} == 1`)
		return err == nil && n == 1
	}) {
		t.Error("Prometheus does not scrape it")
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: 10 * time.Second}
	if r, err := client.Get("https://" + address + "/metrics"); err == nil {
		r.Body.Close()
		t.Error("a client without a certificate gets", r.Status)
	} else if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Error(err)
	}
}
