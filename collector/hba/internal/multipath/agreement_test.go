package multipath

import (
	"fmt"
	"slices"
	"testing"
)

// newMaps has mpatha over sda and sdb, of 1 MiB each, whose LUN is known.
func newMaps(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, "hba.multipath-source.dm")
	b.sys("devices/virtual/block/dm-0/dm/uuid", "mpath-36001405ab12cd3400000000000000001")
	b.sys("devices/virtual/block/dm-0/size", "2048")
	b.size("sda", 2048)
	b.size("sdb", 2048)
	b.build(withSource("sysfs"))
	b.kind.wwids = map[string]string{"sda": "naa.6001405ab12cd3400000000000000001", "sdb": "naa.6001405ab12cd3400000000000000001"}
	return b
}

func (b *bench) size(path string, sectors int) { b.sys(slaves+path+"/size", fmt.Sprint(sectors)) }

const (
	otherSize = `multipath_mismatched_paths{attribute="size",device="mpatha",sysfs_name="dm-0"}`
	otherLUN  = `multipath_mismatched_paths{attribute="wwid",device="mpatha",sysfs_name="dm-0"}`
	missing   = `multipath_missing_paths{device="mpatha",sysfs_name="dm-0"}`
	unmapped  = `multipath_unmapped_luns`
)

// readings returns how many readings it takes until a series has a value.
func (b *bench) readings(series, value string) int {
	for n := 1; n <= 2*rereadEvery; n++ {
		if samples, _ := b.update(); samples[series] == value {
			return n
		}
	}
	return 0
}

// TestSizesTakeTurns grows a path: it is seen within rereadEvery readings, and
// that it agrees again at the next one.
func TestSizesTakeTurns(t *testing.T) {
	b := newMaps(t)
	samples, _ := b.update()
	b.want("at first", samples, otherSize+" => 0", otherLUN+" => 0", `multipath_size_bytes{device="mpatha",sysfs_name="dm-0"} => 1048576`,
		`multipath_path_size_bytes{device="mpatha",path="sdb"}`)
	b.size("sdb", 4096)
	if n := b.readings(otherSize, "1"); n == 0 || n > rereadEvery {
		t.Errorf("a grown path is seen after %d readings", n)
	}
	samples, _ = b.update()
	b.want("grown", samples, otherSize+" => 1", `multipath_path_size_bytes{device="mpatha",path="sdb"} => 2097152`)
	b.size("sda", 4096)
	samples, _ = b.update()
	b.want("both", samples, otherSize+" => 2")
	b.sys("devices/virtual/block/dm-0/size", "4096")
	samples, _ = b.update()
	b.want("the map too", samples, otherSize+" => 0", `multipath_size_bytes{device="mpatha",sysfs_name="dm-0"} => 2097152`)

	b.kind.wwids["sda"] = "naa.6001405ab12cd34000000000000000ff"
	if n := b.readings(otherLUN, "1"); n == 0 || n > rereadEvery {
		t.Errorf("another LUN is seen after %d readings", n)
	}
	samples, _ = b.update()
	b.want("another LUN", samples, `multipath_path_wwid_info{device="mpatha",path="sda",wwid="naa.6001405ab12cd34000000000000000ff"} => 1`)
}

// TestMapsTakeTurns looks at one map after the other.
func TestMapsTakeTurns(t *testing.T) {
	b := newMaps(t)
	b.update()
	var turns []uint64
	for _, s := range b.maps.states {
		turns = append(turns, s.turn)
	}
	slices.Sort(turns)
	if len(turns) != 4 || len(slices.Compact(turns)) != 4 {
		t.Errorf("turns %v", turns)
	}
}

// TestUnreadableSizes reports a size that cannot be read each time, and goes on.
func TestUnreadableSizes(t *testing.T) {
	b := newMaps(t)
	b.sys(slaves+"sdb/size", "large")
	for range 3 {
		samples, errs := b.update()
		b.want("one of them", samples, otherSize+" => 0", good+" => 2")
		if len(errs) != 1 {
			t.Errorf("errors %v", errs)
		}
	}
	b.sys("devices/virtual/block/dm-0/size", "large")
	samples, errs := b.update()
	b.want("the map too", samples, otherSize, `multipath_size_bytes{device="mpatha",sysfs_name="dm-0"}`, good+" => 2", otherLUN+" => 0")
	if len(errs) != 2 {
		t.Errorf("errors %v", errs)
	}
}

// TestWWIDsAmongPaths has a map whose name says nothing about its LUN.
func TestWWIDsAmongPaths(t *testing.T) {
	for _, c := range []struct {
		wwids map[string]string
		want  string
	}{
		{map[string]string{"sda": "naa.5000c500a1b2c3d4", "sdb": "naa.5000c500a1b2c3d4"}, "0"},
		{map[string]string{"sda": "naa.5000c500a1b2c3d4", "sdb": "naa.5000c500a1b2c3d5"}, "1"},
		{map[string]string{"sda": "naa.5000c500a1b2c3d4", "sdb": "eui.0025385b71b00a1c"}, "0"},
		{map[string]string{"sda": "naa.5000c500a1b2c3d4"}, ""},
		{nil, ""},
	} {
		b := newMaps(t)
		b.sys("devices/virtual/block/dm-0/dm/uuid", "mpath-ACME_0815")
		b.build(withSource("sysfs"))
		b.kind.wwids = c.wwids
		samples, _ := b.update()
		b.want(fmt.Sprint(c.wwids), samples, otherLUN+" => "+c.want)
	}
}

// TestLUNs counts LUNs without a map, and disks that a map lacks.
func TestLUNs(t *testing.T) {
	const own, other, third = "naa.6001405ab12cd3400000000000000001", "naa.6001405ab12cd3400000000000000002", "naa.6001405ab12cd3400000000000000003"
	for _, c := range []struct {
		name              string
		disks             map[string]string
		missing, unmapped string
	}{
		{"none is known", nil, "", ""},
		{"all paths", map[string]string{"sda": own, "sdb": own}, "0", "0"},
		{"two more", map[string]string{"sda": own, "sdb": own, "sdx": own, "sdy": own}, "2", "0"},
		{"only those that are no paths", map[string]string{"sdx": own, "sdy": own}, "2", "0"},
		{"written in another way", map[string]string{"sdx": "naa.6001405AB12CD3400000000000000001"}, "1", "0"},
		{"another LUN behind a path", map[string]string{"sda": own, "sdb": other, "sdx": other}, "0", "0"},
		{"a path of another kind", map[string]string{"sda": "eui.0025385b71b00a1c", "sdx": "eui.0025385b71b00a1c", "sdb": own}, "1", "0"},
		{"LUNs without a map", map[string]string{"sdw": other, "sdx": other, "sdy": third, "sdz": third, "sda": own}, "0", "2"},
		{"a disk with one path", map[string]string{"sda": own, "sdx": other}, "0", "0"},
	} {
		b := newMaps(t)
		b.kind.disks = c.disks
		for range 2 {
			samples, _ := b.update()
			b.want(c.name, samples, missing+" => "+c.missing, unmapped+" => "+c.unmapped)
		}
		b.kind.disks = map[string]string{}
		samples, _ := b.update()
		b.want(c.name+", gone", samples, missing, unmapped)
	}
}

// TestOtherProducts does not miss a map where another product has the LUNs.
func TestOtherProducts(t *testing.T) {
	for _, device := range []string{"emcpowera", "VxDMP3", "sddlmaa", "vpatha"} {
		b := newMaps(t)
		b.kind.disks = map[string]string{"sdx": "naa.1", "sdy": "naa.1"}
		b.sys("block/"+device+"/size", "1")
		samples, _ := b.update()
		b.want(device, samples, unmapped)
	}
}
