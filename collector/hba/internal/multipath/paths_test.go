package multipath

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// sys writes a file of sysfs.
func (b *bench) sys(name, content string) {
	b.Helper()
	b.file("sys/" + name)
	if err := os.WriteFile(b.host.Sys.Path(name), []byte(content+"\n"), 0o644); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) link(name, target string) {
	b.Helper()
	path := b.host.Sys.Path(name)
	testfile.Link(b, path, target)
}

func (b *bench) remove(name string) {
	b.Helper()
	if err := os.RemoveAll(b.host.Sys.Path(name)); err != nil {
		b.Fatal(err)
	}
}

const (
	slaves = "devices/virtual/block/dm-0/slaves/"
	failed = `multipath_paths{device="mpatha",health="failed",sysfs_name="dm-0"}`
	good   = `multipath_paths{device="mpatha",health="optimized",sysfs_name="dm-0"}`
)

// answerPaths has multipathd know these paths of mpatha, in JSON.
func (b *bench) answerPaths(paths *string) {
	b.daemon(func(_ string, conn net.Conn) {
		reply(conn, `{"maps":[{"name":"mpatha","path_groups":[{"dm_st":"active","paths":[`+*paths+`]}]}]}`)
	})
	b.build(withSource("multipathd"))
}

// TestPathsOfTheTable has a table that does not match the devices below mpatha,
// which are sda (8:0) and sdb (8:16).
func TestPathsOfTheTable(t *testing.T) {
	const (
		a = `{"dev":"sda","dev_t":"8:0","dm_st":"active"},`
		b = `{"dev":"sdb","dev_t":"8:16","dm_st":"active"}`
	)
	for _, c := range []struct {
		name, paths string
		want        []string
	}{
		{"as in sysfs", a + b, []string{failed + " => 0", good + " => 2"}},
		{"one without a name", a + b + `,{"dev":"","dev_t":"8:240","dm_st":"failed"}`,
			[]string{failed + " => 1", good + " => 2", `multipath_path_failed{device="mpatha",path="8:240"} => 1`}},
		{"one that is not noticed yet", a + b + `,{"dev":"sdp","dev_t":"8:240","dm_st":"active"}`,
			[]string{failed + " => 1", good + " => 2", `multipath_path_failed{device="mpatha",path="sdp"} => 0`}},
		{"a name that is another device's now", a + b + `,{"dev":"sda","dev_t":"8:240","dm_st":"failed"}`,
			[]string{failed + " => 1", good + " => 2", `multipath_path_failed{device="mpatha",path="8:240"} => 1`, `multipath_path_failed{device="mpatha",path="sda"} => 0`}},
		{"names that were swapped", `{"dev":"sdb","dev_t":"8:0","dm_st":"failed"},{"dev":"sda","dev_t":"8:16","dm_st":"active"}`,
			[]string{failed + " => 1", good + " => 1", `multipath_path_failed{device="mpatha",path="sda"} => 1`}},
		{"one that is not in the kernel's table", a + b + `,{"dev":"","dev_t":"8:240","dm_st":"undef"}`,
			[]string{failed + " => 0", good + " => 2", `multipath_path_failed{device="mpatha",path="8:240"}`}},
		{"twice", a + a + b, []string{failed + " => 0", good + " => 2"}},
		{"without numbers", `{"dev":"sda","dm_st":"active"},{"dev":"-","dm_st":"failed"},{"dev":"sdx","dm_st":"failed"}`,
			[]string{failed + " => 1", good + " => 2", `multipath_path_failed{device="mpatha",path="sdx"} => 1`}},
		{"a malformed number", `{"dev":"sda","dev_t":"eight","dm_st":"failed"},` + b, []string{failed + " => 1", good + " => 1"}},
	} {
		paths := c.paths
		s := newBench(t, "hba.multipath-source.dm")
		s.answerPaths(&paths)
		samples, errs := s.update()
		s.want(c.name, samples, c.want...)
		if errs != nil {
			t.Errorf("%s: %v", c.name, errs)
		}
	}
}

// TestPathsThatComeAndGo has multipathd a little behind and a little ahead of
// sysfs.
func TestPathsThatComeAndGo(t *testing.T) {
	paths := `{"dev":"sda","dev_t":"8:0","dm_st":"active"},{"dev":"sdb","dev_t":"8:16","dm_st":"active"}`
	b := newBench(t, "hba.multipath-source.dm")
	now := time.Unix(1e9, 0)
	b.host.Now = func() time.Time { return now }
	b.answerPaths(&paths)
	b.update()

	paths += `,{"dev":"sdp","dev_t":"8:240","dm_st":"active"}`
	b.sys("devices/sdp/dev", "8:240")
	b.link("dev/block/8:240", "../../devices/sdp")
	samples, _ := b.update()
	b.want("added since the devices were listed", samples, failed+" => 0", good+" => 3",
		`multipath_path_health{device="mpatha",health="optimized",path="sdp"} => 1`)

	b.link(slaves+"sdp", "../../../../../devices/sdp")
	samples, _ = b.update()
	b.want("listed", samples, failed+" => 0", good+" => 3")

	b.remove("dev/block/8:240")
	b.remove("devices/sdp")
	b.kind.path = func(name string) (p san.Path, ok bool) {
		if name == "sdp" {
			return p, true
		}
		return sd(name)
	}
	samples, _ = b.update()
	b.want("lost", samples, failed+" => 1", good+" => 2", `multipath_path_health{device="mpatha",health="failed",path="sdp"} => 1`)

	now = now.Add(time.Minute)
	b.remove(slaves + "sdp")
	b.daemon(func(string, net.Conn) {}) // it hangs up: the last answer is from before the path was removed
	b.maps.sources.daemon.client = newDaemonClient(b.host)
	samples, _ = b.update()
	b.want("removed from the map, with an answer that still has it", samples, failed+" => 0", good+" => 2",
		`multipath_path_failed{device="mpatha",path="sda"} => 0`)
}

// TestLostPathsWithoutASource has only sysfs: a link that leads nowhere is a path
// that failed.
func TestLostPathsWithoutASource(t *testing.T) {
	b := newBench(t, "hba.multipath-source.dm")
	b.link(slaves+"sdp", "../../../../gone/block/sdp")
	b.link(slaves+"nvme7n1", "../../../nvme-fabrics/ctl/nvme7/nvme7n1")
	b.build(withSource("sysfs"))
	b.kind.path = func(name string) (p san.Path, ok bool) {
		if name == "sda" || name == "sdb" {
			return sd(name)
		}
		return p, name == "nvme7n1"
	}
	samples, errs := b.update()
	b.want("sysfs", samples, failed+" => 2", good+" => 2", `multipath_path_health{device="mpatha",health="failed",path="nvme7n1"} => 1`)
	if errs != nil {
		t.Error(errs)
	}
}

// TestKernelTable has the kernel know a path that nothing else does.
func TestKernelTable(t *testing.T) {
	b := newBench(t, "hba.multipath-source.dm")
	b.host.DeviceMapper = func(_ string, table bool) ([]host.Target, error) {
		text := "2 0 0 0 2 1 A 0 1 0 8:0 A 0 E 0 2 0 8:16 A 0 8:240 A 0 "
		if table {
			text = "0 0 2 1 round-robin 0 1 0 8:0 round-robin 0 2 0 8:16 8:240 "
		}
		return []host.Target{{Length: 8, Type: "multipath", Text: text}}, nil
	}
	b.build(withSource("dm"))
	samples, _ := b.update()
	b.want("dm", samples, failed+" => 1", good+" => 2", `multipath_path_health{device="mpatha",health="failed",path="8:240"} => 1`,
		`multipath_path_failed{device="mpatha",path="8:240"} => 0`)
}
