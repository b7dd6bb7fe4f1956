package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestListReportsChanges(t *testing.T) {
	dir := t.TempDir()
	r := NewTree(dir).Reader()
	var l Listing
	list := func(want bool, names ...string) {
		t.Helper()
		changed, err := r.List(&l, "class")
		if err != nil || changed != want {
			t.Errorf("changed %v, %v, want %v", changed, err, want)
		}
		if len(l.Entries) != len(names) {
			t.Fatalf("entries %v, want %v", l.Entries, names)
		}
		for i, e := range l.Entries {
			if e.Name != names[i] || e.Inode == 0 {
				t.Errorf("entry %d is %v, want %s", i, e, names[i])
			}
		}
	}
	make := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "class", name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.List(&l, "class"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent folder: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "class"), 0o755); err != nil {
		t.Fatal(err)
	}
	list(true)
	list(false)
	make("hwmon10")
	make("hwmon2")
	make("blank ")
	list(true, "blank ", "hwmon2", "hwmon10")
	list(false, "blank ", "hwmon2", "hwmon10")

	// A new file with an old name. It is created while the old one exists, so
	// that it has another inode number.
	make("new")
	if err := os.Rename(filepath.Join(dir, "class/new"), filepath.Join(dir, "class/hwmon2")); err != nil {
		t.Fatal(err)
	}
	list(true, "blank ", "hwmon2", "hwmon10")
	list(false, "blank ", "hwmon2", "hwmon10")
	if err := os.Remove(filepath.Join(dir, "class/hwmon10")); err != nil {
		t.Fatal(err)
	}
	list(true, "blank ", "hwmon2")
	for i := range 1000 {
		make("a name of some length " + strconv.Itoa(i))
	}
	if changed, err := r.List(&l, "class"); err != nil || !changed || len(l.Entries) != 1002 {
		t.Errorf("%v, %v, %d entries", changed, err, len(l.Entries))
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = r.List(&l, "class") }); n != 0 {
		t.Errorf("listing an unchanged folder allocates %v times", n)
	}
	if err := os.RemoveAll(filepath.Join(dir, "class")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.List(&l, "class"); err == nil || len(l.Entries) != 0 {
		t.Errorf("%v, %v", l.Entries, err)
	}
}

func TestEachName(t *testing.T) {
	dir := t.TempDir()
	for i := range 300 { // more than one buffer
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := NewTree(dir).Reader()
	sum, names := 0, 0
	each := func(name []byte) {
		i, err := strconv.Atoi(string(name))
		if err != nil {
			t.Error(err)
		}
		sum += i
		names++
	}
	if err := r.EachName(each); err != nil || names != 300 || sum != 299*300/2 {
		t.Errorf("%d names, the sum is %d, %v", names, sum, err)
	}
	if n, err := r.Count(); n != 300 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	if err := r.EachName(each, "no-such-folder"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that does not exist: %v", err)
	}
	if n := testing.AllocsPerRun(10, func() { _ = r.EachName(func([]byte) {}) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestInterruptedListing lists a folder of sysfs of which each call returns a part: a
// pending signal ends getdents(2) after its first entry.
func TestInterruptedListing(t *testing.T) {
	dir := t.TempDir()
	for i := range 50 {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree := InterceptCalls(NewTree(dir).Attributes(), func(call Call, _ string, size int) (int, error) {
		if call == Getdents {
			return 64, nil
		}
		return size, nil
	})
	if names, err := tree.Reader().Names(); err != nil || len(names) != 50 {
		t.Errorf("%d names, %v, want 50", len(names), err)
	}
}
