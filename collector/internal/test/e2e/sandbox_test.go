package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// TestEndToEndSandboxOfCollectors compares what each collector reads in the sandbox
// with what it reads without, alone and with all others, as root and as a user without
// rights: no collector may fall silent.
func TestEndToEndSandboxOfCollectors(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	var names, flags []string
	for _, spec := range collector.Catalog() {
		names = append(names, spec.Name)
		flags = append(flags, "--collector."+spec.Name)
	}
	directory := t.TempDir()
	testfile.Write(t, filepath.Join(directory, "a.prom"), "e2e_textfile 1\n")
	flags = append(flags, "--collector.textfile.directory="+directory)
	for _, u := range sandboxUsers(t) {
		allowUser(t, directory)
		for _, name := range append([]string{""}, names...) {
			args, what := []string{"once", "--format=json"}, "all collectors"
			if name == "" {
				args = append(slices.Clone(flags), args...)
			} else {
				args, what = append([]string{"--collector.textfile.directory=" + directory}, append(args, name)...), name
			}
			// The host changes meanwhile: a process ends, a device comes.
			var difference string
			if !eventually(20*time.Second, func() bool {
				difference = u.once(t, "off", args).compare(u.once(t, "auto", args))
				return difference == ""
			}) {
				t.Errorf("%s, as %s: %s", what, u, difference)
			}
		}
		if without, within := u.doctor(t, "off"), u.doctor(t, "auto"); without != within {
			t.Errorf("doctor, as %s:\n%s\nand in the sandbox:\n%s", u, without, within)
		}
	}
}

// TestEndToEndSandboxOfRecordedHosts does the same with the files of recorded hosts,
// which have hardware that the host of the test lacks.
func TestEndToEndSandboxOfRecordedHosts(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	fixtures, err := filepath.Glob("../../../../testdata/*/*.host")
	if err != nil || len(fixtures) == 0 {
		t.Fatal(err)
	}
	users := sandboxUsers(t)
	u, count := users[len(users)-1], 0
	for _, spec := range collector.Catalog() {
		for _, file := range fixtures {
			if filepath.Base(file) != spec.Name+".host" {
				continue
			}
			root := golden.TempDir(t)
			allowUser(t, root)
			golden.Load(t, file, root)
			testfile.Write(t, filepath.Join(root, "proc/e2e"), "") // an empty procfs is an error
			args := []string{"--path.procfs=" + root + "/proc", "--path.sysfs=" + root + "/sys", "--path.rootfs=" + root, "--path.udev.data=" + root + "/run/udev/data",
				"--collector." + spec.Name, "once", "--format=json", spec.Name}
			without, within := u.once(t, "off", args), u.once(t, "auto", args)
			if difference := without.compare(within); difference != "" {
				t.Errorf("%s of %s: %s", spec.Name, file, difference)
			}
			if len(without.families) > 5 { // those of the exporter itself, and one
				count++
			}
		}
	}
	if count < 60 {
		t.Errorf("only %d collectors have samples", count)
	}
}

// A sandboxUser is a user that runs the exporter.
type sandboxUser struct {
	binary string
	uid    int // -1: the user of the test
}

// sandboxUsers returns the user of the test and, if that is root, one without rights.
func sandboxUsers(t *testing.T) []sandboxUser {
	t.Helper()
	users := []sandboxUser{{build(t), -1}}
	if os.Geteuid() == 0 {
		allowUser(t, binaryDir())
		users = append(users, sandboxUser{build(t), 65534})
	}
	return users
}

func (u sandboxUser) String() string {
	if u.uid < 0 {
		return fmt.Sprintf("user %d", os.Geteuid())
	}
	return fmt.Sprintf("user %d", u.uid)
}

// output runs the exporter as the user.
func (u sandboxUser) output(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), u.binary, args...)
	cmd.Dir = "/"
	if u.uid >= 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.uid)}}
	}
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out
}

// allowUser lets all users search a directory of the test.
func allowUser(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// A sandboxResult is the outcome of one collection.
type sandboxResult struct {
	collectors map[string]string // state and error by name
	families   map[string]bool
}

func (u sandboxUser) once(t *testing.T, sandbox string, args []string) sandboxResult {
	t.Helper()
	var decoded struct {
		Collectors []struct{ Name, State, Error string }
		Families   []struct{ Name string }
	}
	if out := u.output(t, append([]string{"--sandbox=" + sandbox}, args...)...); json.Unmarshal(out, &decoded) != nil {
		t.Fatalf("%q as %s: no JSON: %q", args, u, out)
	}
	r := sandboxResult{map[string]string{}, map[string]bool{}}
	for _, c := range decoded.Collectors {
		r.collectors[c.Name] = c.State + " " + c.Error
	}
	for _, f := range decoded.Families {
		r.families[f.Name] = true
	}
	return r
}

// compare returns the differences, or "".
func (r sandboxResult) compare(within sandboxResult) string {
	var differences []string
	for name, state := range r.collectors {
		if have := within.collectors[name]; have != state {
			differences = append(differences, fmt.Sprintf("%s is %q, in the sandbox %q", name, state, have))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.families)) {
		if !within.families[name] {
			differences = append(differences, "no "+name+" in the sandbox")
		}
	}
	return strings.Join(differences, "; ")
}

// doctor returns the report without what differs between runs.
func (u sandboxUser) doctor(t *testing.T, sandbox string) string {
	t.Helper()
	report := string(u.output(t, "--sandbox="+sandbox, "doctor"))
	if !strings.Contains(report, "\nsandbox: ") {
		t.Errorf("no line about the sandbox:\n%s", report)
	}
	report = regexp.MustCompile(`(?m)^(user|sandbox:) .*\n`).ReplaceAllString(report, "")
	return regexp.MustCompile(`\d+ samples in \S+|and \d+ more`).ReplaceAllString(report, "")
}

// TestEndToEndSandboxedServer runs a server in the sandbox, with all that it reads
// after the sandbox is in effect: certificates, text files and configuration that are
// replaced.
func TestEndToEndSandboxedServer(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	dir := t.TempDir()
	path := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
	for _, d := range []string{"tls", "textfile", "etc/conf.d", "other"} {
		testfile.Dir(t, path(d))
	}
	first := writeCertificate(t, path("tls"))
	testfile.Write(t, path("tls/web.yml"), "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n")
	testfile.Write(t, path("textfile/a.prom"), "e2e_a 1\n")
	testfile.Write(t, path("other/b.prom"), "e2e_b 1\n")
	configuration := "include: [conf.d/*.yml]\ncollectors:\n  textfile:\n    directory: [" + path("textfile") + "]\n"
	testfile.Write(t, path("etc/host_exporter.yml"), configuration)
	address := freeAddress(t)
	s := sandboxedServer{t: t, url: "https://" + address}
	process := run(t, build(t), "--sandbox=auto", "--config.file="+path("etc/host_exporter.yml"), "--web.config.file="+path("tls/web.yml"),
		"--web.listen-address="+address, "--web.enable-lifecycle").Process

	text := s.get("/metrics")
	for _, layer := range []string{"no_new_privs", "dumpable", "capabilities", "landlock", "seccomp"} {
		if !strings.Contains(text, `host_exporter_sandbox{layer="`+layer+`",state="enforced"} 1`) {
			t.Logf("%s is not enforced on this kernel", layer)
		}
	}
	serve := (&exporter{t: t, process: process, marker: "E2E_MARKER=none"}).serving()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", serve))
	for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapInh:\t0000000000000000\n", "CapAmb:\t0000000000000000\n"} {
		if err != nil || !strings.Contains(string(status), want) {
			t.Errorf("want %q in the status of the process, have %v\n%s", want, err, status)
		}
	}
	if page := s.get("/"); !strings.Contains(page, "Sandbox: no_new_privs enforced") {
		t.Errorf("the page does not show the sandbox:\n%s", page)
	}

	if second := writeCertificate(t, path("tls")); !eventually(20*time.Second, func() bool { s.get("/metrics"); return s.serial.Cmp(second) == 0 }) || first.Cmp(second) == 0 {
		t.Error("the new certificate is not in use")
	}
	testfile.Write(t, path("textfile/c.prom"), "e2e_c 1\n")
	if text := s.get("/metrics"); !strings.Contains(text, "\ne2e_a 1\n") || !strings.Contains(text, "\ne2e_c 1\n") {
		t.Errorf("the text files are missing:\n%s", text)
	}
	replaceFile(t, path("etc/host_exporter.yml"), configuration)
	testfile.Write(t, path("etc/conf.d/more.yml"), "collectors:\n  loadavg: false\n")
	if code, body := s.reload(); code != http.StatusOK || strings.Contains(s.get("/metrics"), "\nnode_load1 ") {
		t.Errorf("the reload of replaced files: %d %s", code, body)
	}
	replaceFile(t, path("etc/host_exporter.yml"), strings.Replace(configuration, "textfile]", "textfile, "+path("other")+"]", 1))
	code, body := s.reload()
	// Where the sandbox of the process does not allow it, a new one serves.
	if text := s.get("/metrics"); code != http.StatusOK || !strings.Contains(text, "\ne2e_a 1\n") || !strings.Contains(text, "\ne2e_b 1\n") {
		t.Errorf("the reload that needs one more directory: %d %s", code, body)
	}
	if strings.Contains(text, `layer="landlock",state="enforced"`) && (&exporter{t: t, process: process, marker: "E2E_MARKER=none"}).serving() == serve {
		t.Error("the process reads more than its sandbox allows")
	}
}

// A sandboxedServer is scraped over new connections.
type sandboxedServer struct {
	t      *testing.T
	url    string
	serial *big.Int // of the last certificate
}

func (s *sandboxedServer) get(path string) (body string) {
	s.t.Helper()
	if !eventually(20*time.Second, func() bool {
		var code int
		code, body = s.do(http.MethodGet, path)
		return code == http.StatusOK
	}) {
		s.t.Fatalf("%s: %s", path, body)
	}
	return body
}

func (s *sandboxedServer) reload() (int, string) { return s.do(http.MethodPost, "/-/reload") }

func (s *sandboxedServer) do(method, path string) (int, string) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	s.serial = resp.TLS.PeerCertificates[0].SerialNumber
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body) + errorText(err)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// writeCertificate replaces cert.pem and key.pem, and returns the serial number.
func writeCertificate(t *testing.T, dir string) *big.Int {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: serial, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	replaceFile(t, filepath.Join(dir, "cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	return serial
}

// replaceFile writes a new file in place of an old one.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	testfile.Write(t, path+".new", text)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
