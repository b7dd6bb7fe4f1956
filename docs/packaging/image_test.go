package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// nativeImage returns the image of this machine's platform.
func nativeImage(t *testing.T, index v1.ImageIndex) v1.Image {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Manifests {
		if m.Platform.Architecture == nativePlatform().arch {
			image, err := index.Image(m.Digest)
			if err != nil {
				t.Fatal(err)
			}
			return image
		}
	}
	t.Fatalf("no image for %s in %+v", nativePlatform().arch, manifest)
	return nil
}

// TestImage unpacks the image, and runs it in a root folder as its user.
func TestImage(t *testing.T) {
	r := built(t)
	index, remove, err := openImage(r.path(t, "host_exporter-"+r.version+".oci.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if have, want := len(manifest.Manifests), len(r.targets); have != want && want > 0 {
		t.Errorf("have %d platforms, want %d", have, want)
	}
	image := nativeImage(t, index)
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65534:65534" || strings.Join(config.Config.Entrypoint, " ") != "/host_exporter" ||
		config.Config.Labels["org.opencontainers.image.version"] != r.version || len(r.targets) > 0 && config.Created.Unix() != commitTime {
		t.Errorf("have %+v, created %s", config.Config, config.Created)
	}
	root := t.TempDir()
	unpackImage(t, image, root)
	have := runImage(t, root, "/host_exporter", "--version")
	if !strings.HasPrefix(have, "host_exporter, version "+r.version+" ") {
		t.Errorf("have %q", have)
	}
	have = runImage(t, root, "/host_exporter", "once", "--collector.disable-defaults", "--collector.loadavg", "--collector.uname")
	if !strings.Contains(have, "\nnode_load1 ") || !strings.Contains(have, "\nnode_uname_info{") {
		t.Errorf("once in the image: %s", have)
	}
}

func unpackImage(t *testing.T, image v1.Image, root string) {
	t.Helper()
	layers := mutate.Extract(image)
	defer layers.Close()
	if err := unpack(layers, root); err != nil {
		t.Fatal(err)
	}
	// Folders of temporary files are private to root.
	for dir := root; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// runImage runs a program in a root folder with a /proc, as the user of the image.
func runImage(t *testing.T, root string, args ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for chroot")
	}
	script := `mkdir -p "$0/proc" && mount -t proc proc "$0/proc" && exec chroot --userspec=65534:65534 "$0" "$@"`
	out, err := exec.Command("unshare", append([]string{"--mount", "sh", "-c", script, root}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", args, err, out)
	}
	return string(out)
}

// TestImageWithShell builds the image on a file system, and looks for both in it.
func TestImageWithShell(t *testing.T) {
	r := *built(t)
	r.out, r.rootfs = t.TempDir(), t.TempDir()
	out, err := os.Create(filepath.Join(r.rootfs, nativePlatform().short()+".tar"))
	if err != nil {
		t.Fatal(err)
	}
	if err := writeTar(out, []file{{"bin/sh", 0o755, []byte("a shell")}}, r.date); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	native := &target{nativePlatform(), filepath.Join(work, "host_exporter")}
	if err := os.WriteFile(native.binary, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.targets = []*target{native}
	if err := r.writeImages(work); err != nil {
		t.Fatal(err)
	}
	index, remove, err := openImage(r.path(t, "host_exporter-*-debian.oci.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	root := t.TempDir()
	unpackImage(t, nativeImage(t, index), root)
	for name, want := range map[string]string{"bin/sh": "a shell", "host_exporter": "program"} {
		if have, err := os.ReadFile(filepath.Join(root, name)); string(have) != want {
			t.Errorf("%s: have %q, %v, want %q", name, have, err, want)
		}
	}
}

// TestPush sends the image to a registry in this process.
func TestPush(t *testing.T) {
	r := built(t)
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	file := r.path(t, "host_exporter-"+r.version+".oci.tar")
	reference := strings.TrimPrefix(server.URL, "http://") + "/host_exporter:" + r.version
	if err := run([]string{"push", file, reference}); err != nil {
		t.Fatal(err)
	}
	index, remove, err := openImage(file)
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	want, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Index(ref)
	if err != nil {
		t.Fatal(err)
	}
	if have, err := pulled.Digest(); have != want || err != nil {
		t.Errorf("have %s, %v, want %s", have, err, want)
	}
	if err := validate.Index(pulled); err != nil {
		t.Error(err)
	}
}
