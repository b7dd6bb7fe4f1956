package trust

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	alice = 4711
	bob   = 4712
)

// TestFolder has what users can put into a folder: links, pipes, devices. As root, each
// belongs to a user; otherwise only the cases of one user run.
func TestFolder(t *testing.T) {
	root := os.Geteuid() == 0
	top := t.TempDir()
	folder, outside := filepath.Join(top, "folder"), filepath.Join(top, "outside")
	own := func(path string, uid int) {
		t.Helper()
		if root {
			must(t, os.Lchown(path, uid, uid))
		}
	}
	file := func(path string, uid int, mode os.FileMode) {
		t.Helper()
		must(t, os.WriteFile(path, []byte("text"), 0o600))
		must(t, os.Chmod(path, mode))
		own(path, uid)
	}
	link := func(target, path string, uid int) {
		t.Helper()
		must(t, os.Symlink(target, path))
		own(path, uid)
	}
	must(t, os.Mkdir(folder, 0o755))
	must(t, os.Mkdir(outside, 0o755))
	file(folder+"/plain", alice, 0o600)
	file(folder+"/of-root", 0, 0o600)
	file(folder+"/of-group", 0, 0o640)
	file(folder+"/of-all", 0, 0o644)
	file(outside+"/secret", 0, 0o600)
	file(outside+"/alice", alice, 0o600)
	file(outside+"/bob", bob, 0o644)
	if root {
		must(t, os.Lchown(folder+"/of-group", 0, alice))
	}
	link("plain", folder+"/inside", alice)
	link("../outside/alice", folder+"/own", alice)
	link(outside+"/alice", folder+"/absolute", alice)
	link("own", folder+"/chain", alice)
	link("../outside/secret", folder+"/theft", alice)
	link("../outside/bob", folder+"/of-bob", alice)
	link("theft", folder+"/theft-by-chain", 0)
	link("../outside/alice", folder+"/by-root", 0)
	link("/proc/kmsg", folder+"/kmsg", alice)
	link("/proc/self/mem", folder+"/mem", alice)
	link("/dev/zero", folder+"/device", 0)
	link("nothing", folder+"/dangling", alice)
	link("loop", folder+"/loop", alice)
	must(t, unix.Mkfifo(folder+"/pipe", 0o644))
	link("pipe", folder+"/to-pipe", 0)
	must(t, os.Mkdir(folder+"/directory", 0o755))
	link("..data/file", folder+"/volume", 0)
	link("..1", folder+"/..data", 0)
	must(t, os.Mkdir(folder+"/..1", 0o755))
	file(folder+"/..1/file", 0, 0o644)
	own(folder, alice)

	for name, c := range map[string]struct {
		want error
		root bool // needs root
	}{
		"plain": {}, "of-root": {ErrUnsafe, true}, "of-group": {}, "of-all": {}, "inside": {}, "own": {}, "absolute": {}, "chain": {}, "by-root": {}, "volume": {},
		"theft": {ErrUnsafe, true}, "of-bob": {ErrUnsafe, true}, "theft-by-chain": {ErrUnsafe, true}, "kmsg": {ErrUnsafe, true}, "mem": {ErrUnsafe, true},
		"device": {want: ErrNotRegular}, "pipe": {want: ErrNotRegular}, "to-pipe": {want: ErrNotRegular}, "directory": {want: ErrNotRegular},
		"dangling": {want: fs.ErrNotExist}, "loop": {want: unix.ELOOP}, "gone": {want: fs.ErrNotExist},
	} {
		if c.root && !root {
			continue
		}
		have := within(t, name, func() error {
			f, err := OpenFolder(folder)
			if err != nil {
				return err
			}
			defer f.Close()
			opened, err := f.Open(name)
			if err != nil {
				return err
			}
			defer opened.Close()
			if b, all, err := opened.Read(4); string(b) != "text" || !all || err != nil {
				t.Errorf("%s: %q, %t, %v", name, b, all, err)
			}
			if b, all, err := opened.Read(3); len(b) != 0 || !all || err != nil {
				t.Errorf("%s: at its end %q, %t, %v", name, b, all, err)
			}
			return nil
		})
		if !errors.Is(have, c.want) || have == nil != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, have, c.want)
		}
	}
}

// TestOpenFolder has links of users in the path of a folder.
func TestOpenFolder(t *testing.T) {
	top := t.TempDir()
	for _, dir := range []string{"/root", "/alice", "/alice/own", "/other"} {
		must(t, os.Mkdir(top+dir, 0o755))
	}
	must(t, os.Symlink("../root", top+"/alice/theft"))
	must(t, os.Symlink("own", top+"/alice/inside"))
	must(t, os.Symlink("alice", top+"/by-root"))
	must(t, os.WriteFile(top+"/file", nil, 0o600))
	root := os.Geteuid() == 0
	if root {
		for _, path := range []string{"/alice", "/alice/own", "/alice/theft", "/alice/inside"} {
			must(t, os.Lchown(top+path, alice, alice))
		}
	}
	for path, want := range map[string]error{"/root": nil, "/alice": nil, "/alice/own": nil, "/alice/inside": nil, "/by-root": nil, "/by-root/own": nil,
		"/by-root/inside": nil, "/file": unix.ENOTDIR, "/none": fs.ErrNotExist, "/file/x": unix.ENOTDIR, "/alice/theft": ErrUnsafe} {
		if want == ErrUnsafe && !root {
			continue
		}
		f, err := OpenFolder(top + path)
		if !errors.Is(err, want) || err == nil != (want == nil) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
		if err == nil {
			f.Close()
		}
	}
}

// TestFileLimit reads a file that is longer than its status says.
func TestFileLimit(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/a", []byte("12345"), 0o600))
	f, err := OpenFolder(dir)
	must(t, err)
	defer f.Close()
	for max, want := range map[int64]bool{4: false, 5: true, 6: true} {
		file, err := f.Open("a")
		must(t, err)
		file.Stat.Size = 0
		if b, all, err := file.Read(max); int64(len(b)) != min(max, 5) || all != want || err != nil {
			t.Errorf("at most %d: %q, %t, %v", max, b, all, err)
		}
		file.Close()
	}
}

// within returns what fn returns, which must not hang.
func within(t *testing.T, what string, fn func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- fn() }()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: hangs", what)
		return nil
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
