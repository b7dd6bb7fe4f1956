package chart

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	core "k8s.io/api/core/v1"
)

// podVariable names the file of the pod that the process is to become.
const podVariable = "CHART_TEST_POD"

// A pod is what a container runtime makes of the exporter's container: mounts, namespaces,
// user and capabilities. The network is that of the host, and there is no filter of
// system calls.
type pod struct {
	Root         string // an empty directory
	Binary       string
	Args         []string
	User, Group  int
	Capabilities []int // those of the bounding set
	Privileged   bool
	ReadOnlyRoot bool
	Mounts       []podMount
}

// A podMount is a mount of the container: a path of the host, or files by name.
type podMount struct {
	Source      string // of the host; empty: the files
	Files       map[string]string
	Target      string
	ReadOnly    bool
	Propagation bool // HostToContainer
}

var capabilities = map[string]int{"DAC_READ_SEARCH": unix.CAP_DAC_READ_SEARCH, "PERFMON": unix.CAP_PERFMON, "NET_ADMIN": unix.CAP_NET_ADMIN, "SYS_ADMIN": unix.CAP_SYS_ADMIN}

// newPod returns the pod of the first DaemonSet of a file of values. secrets are the files
// of the Secrets that the chart does not make.
func newPod(t *testing.T, valuesFile string, port int, secrets map[string]map[string]string) pod {
	t.Helper()
	all := decode(t, render(t, valuesFile))
	set := all.daemonSets()[0]
	spec := set.Spec.Template.Spec
	container := exporterOf(set)
	if spec.HostPID || !spec.HostNetwork {
		t.Fatalf("hostPID %t, hostNetwork %t: not what this test makes", spec.HostPID, spec.HostNetwork)
	}
	p := pod{Binary: hostExporter(t), Root: t.TempDir()}
	for _, arg := range container.Args {
		if strings.HasPrefix(arg, "--web.listen-address=") {
			arg = fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port)
		}
		p.Args = append(p.Args, arg)
	}
	security := container.SecurityContext
	p.User = int(*cmp.Or(security.RunAsUser, spec.SecurityContext.RunAsUser))
	p.Group = int(*cmp.Or(security.RunAsGroup, spec.SecurityContext.RunAsGroup))
	p.Privileged = security.Privileged != nil && *security.Privileged
	p.ReadOnlyRoot = *security.ReadOnlyRootFilesystem
	if !p.Privileged {
		if !slices.Equal(security.Capabilities.Drop, []core.Capability{"ALL"}) {
			t.Errorf("drops %v", security.Capabilities.Drop)
		}
		for _, name := range security.Capabilities.Add {
			number, ok := capabilities[string(name)]
			if !ok {
				t.Fatalf("unknown capability %s", name)
			}
			p.Capabilities = append(p.Capabilities, number)
		}
	}
	volumes := map[string]core.Volume{}
	for _, v := range spec.Volumes {
		volumes[v.Name] = v
	}
	for _, m := range container.VolumeMounts {
		mount := podMount{Target: m.MountPath, ReadOnly: m.ReadOnly}
		mount.Propagation = m.MountPropagation != nil && *m.MountPropagation == core.MountPropagationHostToContainer
		switch v := volumes[m.Name]; {
		case v.HostPath != nil:
			mount.Source = v.HostPath.Path
		case v.EmptyDir != nil:
		case v.ConfigMap != nil:
			// On the disk of the host, and not in memory: the exporter knows both.
			mount.Source = filepath.Join(t.TempDir(), "volumes/kubernetes.io~configmap", m.Name)
			if err := writeVolume(mount.Source, 1, all["ConfigMap/"+v.ConfigMap.Name].(*core.ConfigMap).Data); err != nil {
				t.Fatal(err)
			}
		case v.Secret != nil:
			mount.Files = secrets[v.Secret.SecretName]
			if s, ok := all["Secret/"+v.Secret.SecretName].(*core.Secret); ok {
				mount.Files = s.StringData
			}
		default:
			t.Fatalf("volume %s: unknown kind", m.Name)
		}
		p.Mounts = append(p.Mounts, mount)
	}
	return p
}

// start starts the pod, and ends it with the test.
func (p pod) start(t *testing.T) *exec.Cmd {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pod.json")
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), podVariable+"="+file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC}
	logFile, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // or it has ended
		_ = cmd.Wait()                          // by the signal
		if t.Failed() {
			text, _ := os.ReadFile(logFile.Name()) // empty if it cannot be read
			t.Logf("log of the pod:\n%s", text)
		}
	})
	return cmd
}

// becomePod makes the container and executes the exporter in it. It returns only if it fails.
func becomePod(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var p pod
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	if err := p.mount(); err != nil {
		return err
	}
	if err := p.drop(); err != nil {
		return err
	}
	return syscall.Exec("/host_exporter", append([]string{"/host_exporter"}, p.Args...), []string{"PATH=/usr/bin:/bin", "HOME=/", "KUBERNETES_SERVICE_HOST=192.0.2.1"})
}

func (p pod) mount() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", p.Root, "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	binary, err := os.ReadFile(p.Binary)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.Root, "host_exporter"), binary, 0o755); err != nil {
		return err
	}
	for _, dir := range []string{"proc", "dev", "old"} {
		if err := os.Mkdir(filepath.Join(p.Root, dir), 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("proc", filepath.Join(p.Root, "proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom"} {
		device := podMount{Source: "/dev/" + name, Target: "/dev/" + name}
		if err := device.mount(p.Root); err != nil {
			return fmt.Errorf("%s: %w", device.Target, err)
		}
	}
	for _, m := range p.Mounts {
		if err := m.mount(p.Root); err != nil {
			return fmt.Errorf("%s: %w", m.Target, err)
		}
	}
	if err := unix.PivotRoot(p.Root, filepath.Join(p.Root, "old")); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/old", unix.MNT_DETACH); err != nil {
		return err
	}
	if !p.ReadOnlyRoot {
		return nil
	}
	return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
}

func (m podMount) mount(root string) error {
	target := filepath.Join(root, m.Target)
	info, err := os.Stat(m.Source)
	if m.Source != "" && err != nil {
		return err
	}
	if m.Source != "" && !info.IsDir() {
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, nil, 0o644); err != nil {
			return err
		}
	} else if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if m.Source == "" {
		if err := unix.Mount("tmpfs", target, "tmpfs", 0, "mode=0777"); err != nil {
			return err
		}
		if m.Files != nil {
			if err := writeVolume(target, 1, m.Files); err != nil {
				return err
			}
		}
	} else {
		if err := unix.Mount(m.Source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return err
		}
		propagation := unix.MS_PRIVATE
		if m.Propagation {
			propagation = unix.MS_SLAVE
		}
		if err := unix.Mount("", target, "", unix.MS_REC|uintptr(propagation), ""); err != nil {
			return err
		}
	}
	if !m.ReadOnly {
		return nil
	}
	return unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
}

// writeVolume writes a version of files as the kubelet does: a link to a directory of the
// time of the change, which takes the place of the last one, in a directory that everybody
// may write to.
func writeVolume(dir string, version int, files map[string]string) error {
	data := fmt.Sprintf("..2026_01_01_00_00_00.%d", version)
	if err := os.MkdirAll(filepath.Join(dir, data), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, data, name), []byte(text), 0o644); err != nil {
			return err
		}
		if err := os.Symlink("..data/"+name, filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := os.Symlink(data, filepath.Join(dir, "..data_tmp")); err != nil {
		return err
	}
	return os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data"))
}

// drop takes the capabilities, the user and the means to get others.
func (p pod) drop() error {
	if !p.Privileged {
		for c := 0; c <= unix.CAP_LAST_CAP; c++ {
			if slices.Contains(p.Capabilities, c) {
				continue
			}
			if err := prctl(unix.PR_CAPBSET_DROP, uintptr(c)); err != nil && err != unix.EINVAL { // the kernel does not know it
				return err
			}
		}
		if err := prctl(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
			return err
		}
	}
	if err := syscall.Setgroups([]int{p.Group}); err != nil {
		return err
	}
	if err := syscall.Setgid(p.Group); err != nil {
		return err
	}
	return syscall.Setuid(p.User)
}

// prctl calls prctl on all threads: the one that executes the program becomes the process.
func prctl(option int, value uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, uintptr(option), value, 0, 0, 0, 0); errno == unix.ENOTSUP {
		return errors.New("build the tests with CGO_ENABLED=0: with cgo, no call reaches all threads")
	} else if errno != 0 {
		return errno
	}
	return nil
}

// freePort returns a port of the loopback interface that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// get returns the body of a path of the exporter, as soon as it answers with status 200.
func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	var last string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		r, err := client.Get(url)
		if err != nil {
			last = err.Error()
			continue
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err == nil && r.StatusCode == http.StatusOK {
			return string(body)
		}
		last = fmt.Sprintf("%s %v %s", r.Status, err, body)
	}
	t.Fatalf("%s: %s", url, last)
	return ""
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("makes mounts and namespaces: needs root")
	}
}

// series returns the names and labels of all samples but those of the exporter itself.
func series(text string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name := line[:strings.LastIndexByte(strings.TrimSpace(line), ' ')]
		if !regexp.MustCompile(`^(go_|process_|promhttp_|host_exporter_|node_exporter_)`).MatchString(name) {
			all[name] = true
		}
	}
	return all
}

// TestPodLikeHost compares the metrics of the default pod, an ordinary user in its own PID
// namespace, with those of the same user on the host.
func TestPodLikeHost(t *testing.T) {
	needRoot(t)
	port := freePort(t)
	p := newPod(t, "testdata/default.values.yaml", port, nil)
	p.start(t)
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	get(t, url+"/-/healthy")
	inPod := series(get(t, url+"/metrics"))

	dir, err := os.MkdirTemp("", "") // that another user can enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(hostExporter(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/host_exporter", binary, 0o755); err != nil {
		t.Fatal(err)
	}
	var args []string
	for _, arg := range p.Args {
		if !strings.HasPrefix(arg, "--path.") && !strings.HasPrefix(arg, "--web.") {
			args = append(args, arg)
		}
	}
	cmd := exec.Command(dir+"/host_exporter", append(args, "once")...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	onHost := series(string(out))
	for name := range onHost {
		if !inPod[name] {
			t.Errorf("only on the host: %s", name)
		}
	}
	for name := range inPod {
		if !onHost[name] {
			t.Errorf("only in the pod: %s", name)
		}
	}
	t.Logf("%d series in the pod, %d on the host", len(inPod), len(onHost))
}

// TestPodOfEachCase starts the pods of all files of values that this machine can have,
// and checks that they answer, and how far they are confined.
func TestPodOfEachCase(t *testing.T) {
	needRoot(t)
	certificate, key := newCertificate(t)
	secrets := map[string]map[string]string{"host-exporter-tls": {"tls.crt": certificate, "tls.key": key, "ca.crt": certificate}}
	for _, c := range []struct {
		values       string
		scheme       string
		refused      bool   // answers without credentials with an error
		capabilities string // effective ones of the process that serves, in hexadecimal
		want         string // a sample that it exports
		unwanted     string
	}{
		{values: "config", capabilities: "0", want: "answer 0\n"}, // of a check
		{values: "rootless", capabilities: "0", want: "node_os_info", unwanted: "node_filesystem_"},
		{values: "config-text", capabilities: "0", want: "host_exporter_expectation_ok{name=\"root\"} 1"},
		{values: "pools", capabilities: "0", want: "node_load1"},
		{values: "privileges", capabilities: fmt.Sprintf("%x", 1<<unix.CAP_DAC_READ_SEARCH|1<<unix.CAP_PERFMON|1<<unix.CAP_NET_ADMIN), want: "node_load1"},
		{values: "tls", scheme: "https", refused: true},
		{values: "users", refused: true},
		{values: "monitoring", capabilities: "0", want: "node_os_info"},
	} {
		t.Run(c.values, func(t *testing.T) {
			port := freePort(t)
			cmd := newPod(t, "testdata/"+c.values+".values.yaml", port, secrets).start(t)
			url := fmt.Sprintf("%s://127.0.0.1:%d", cmp.Or(c.scheme, "http"), port)
			if c.refused {
				awaitRefusal(t, url)
				return
			}
			get(t, url+"/-/healthy")
			get(t, url+"/-/ready")
			text := get(t, url+"/metrics")
			for deadline := time.Now().Add(20 * time.Second); !strings.Contains(text, c.want) && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
				text = get(t, url+"/metrics") // until the check has run
			}
			if !strings.Contains(text, c.want) || c.unwanted != "" && strings.Contains(text, c.unwanted) {
				t.Errorf("want %s and not %q in a response of %d bytes", c.want, c.unwanted, len(text))
			}
			if broken := states(text); broken != "" {
				t.Errorf("collectors with errors:\n%s", broken)
			}
			if have := effective(t, cmd.Process.Pid); have != c.capabilities {
				t.Errorf("effective capabilities %s, want %s", have, c.capabilities)
			}
		})
	}
}

// TestPodReload changes the ConfigMap of a pod, and reloads as the reloader does.
func TestPodReload(t *testing.T) {
	needRoot(t)
	port := freePort(t)
	p := newPod(t, "testdata/config.values.yaml", port, nil)
	p.start(t)
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	get(t, url+"/-/ready")
	volume := p.Mounts[slices.IndexFunc(p.Mounts, func(m podMount) bool { return m.Target == "/etc/host_exporter" })].Source
	post := func() (int, string) {
		r, err := http.Post(url+"/-/reload", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(body)
	}

	if err := writeVolume(volume, 2, map[string]string{"host_exporter.yml": "expect: {new: node_load1}\n"}); err != nil {
		t.Fatal(err)
	}
	if status, body := post(); status != http.StatusOK {
		t.Fatalf("reload: %d %s", status, body)
	}
	if text := get(t, url+"/metrics"); !strings.Contains(text, `host_exporter_expectation_ok{name="new"} 1`) {
		t.Error("the new configuration is not in effect")
	}

	if err := writeVolume(volume, 3, map[string]string{"host_exporter.yml": "expekt: {}\n"}); err != nil {
		t.Fatal(err)
	}
	if status, body := post(); status != http.StatusInternalServerError {
		t.Errorf("reload of an error: %d %s", status, body)
	}
	text := get(t, url+"/metrics")
	if !strings.Contains(text, `host_exporter_expectation_ok{name="new"} 1`) || !strings.Contains(text, "host_exporter_config_last_reload_successful 0") {
		t.Error("an error does not leave the previous configuration in effect")
	}
}

// states returns the states of collectors that are errors.
func states(text string) string {
	return strings.Join(regexp.MustCompile(`(?m)^host_exporter_collector_state\{.*reason="(error|timeout|panic)".*$`).FindAllString(text, -1), "\n")
}

// effective returns the effective capabilities of the process that serves: the child, if
// there is one.
func effective(t *testing.T, pid int) string {
	t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	if child := strings.Fields(string(children)); len(child) > 0 {
		pid, _ = strconv.Atoi(child[0]) // of the kernel
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^CapEff:\t0*([0-9a-f]+)$`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("no CapEff in %s", status)
	}
	return string(m[1])
}

// awaitRefusal waits until the exporter refuses a client without credentials, and not
// only a connection.
func awaitRefusal(t *testing.T, url string) {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	var last string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		r, err := client.Get(url + "/metrics")
		if err == nil {
			r.Body.Close()
			last = r.Status
			if r.StatusCode == http.StatusUnauthorized {
				return
			}
			continue
		}
		last = err.Error()
		if strings.Contains(last, "certificate required") {
			return
		}
	}
	t.Errorf("%s: %s, want a refusal", url, last)
}

func newCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"}, NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}
