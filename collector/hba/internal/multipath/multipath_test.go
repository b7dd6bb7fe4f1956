package multipath

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// TestHealth has multipathd fail or avoid paths of any health.
func TestHealth(t *testing.T) {
	for _, c := range []struct {
		device      san.Health
		known       bool
		state, want string
	}{
		{san.PathOptimized, true, `"dm_st":"active"`, "optimized"},
		{san.PathOptimized, true, `"dm_st":"failed","marginal_st":"marginal"`, "failed"},
		{san.PathOffline, true, `"dm_st":"failed"`, "failed"},
		{san.PathOffline, true, `"dm_st":"active"`, "offline"},
		{san.PathStandby, true, `"dm_st":"active","marginal_st":"marginal"`, "standby"},
		{san.PathNonOptimized, true, `"dm_st":"active","marginal_st":"marginal"`, "marginal"},
		{san.PathNonOptimized, true, `"dm_st":"active","marginal_st":"normal"`, "non_optimized"},
		{san.PathBlocked, false, `"dm_st":"active"`, "blocked"},
		{san.PathOptimized, false, `"dm_st":"undef"`, ""},
	} {
		b := newBench(t, "hba.multipath-source.dm")
		b.daemon(func(_ string, conn net.Conn) {
			reply(conn, `{"maps":[{"name":"mpatha","path_groups":[{"dm_st":"active","paths":[{"dev":"sda",`+c.state+`}]}]}]}`)
		})
		b.build(withSource("multipathd"))
		b.kind.path = func(string) (san.Path, bool) {
			return san.Path{StateKnown: c.known, Health: c.device}, true
		}
		samples, _ := b.update()
		for _, health := range []string{"failed", "offline", "blocked", "standby", "marginal", "non_optimized", "optimized"} {
			want := ""
			if health == c.want {
				want = "1"
			}
			b.want(fmt.Sprint(c), samples, `multipath_path_health{device="mpatha",health="`+health+`",path="sda"} => `+want)
		}
	}
}

// BenchmarkSources reads many maps with each of the sources, whose answers are
// ready: it measures what is made of them.
func BenchmarkSources(b *testing.B) {
	const maps, paths = 1000, 4
	root := b.TempDir()
	put := func(path, content string) {
		path = filepath.Join(root, path)
		testfile.Write(b, path, content+"\n")
	}
	var status, table, daemon strings.Builder
	fmt.Fprintf(&status, "2 0 0 0 1 1 A 0 %d 2 ", paths)
	for p := range paths {
		fmt.Fprintf(&status, "8:%d A 0 0 1 ", p)
	}
	table.WriteString("1 queue_if_no_path 1 alua 1 1 service-time 0 4 2")
	daemon.WriteString(`{"major_version":0,"maps":[`)
	for m := range maps {
		dm := fmt.Sprintf("block/dm-%d/", m)
		put(dm+"dm/name", fmt.Sprintf("mpath%d", m))
		put(dm+"dm/uuid", fmt.Sprintf("mpath-%d", m))
		fmt.Fprintf(&daemon, `{"name":"mpath%d","queueing":"on","path_faults":1,"switch_grp":1,"map_loads":1,"total_q_time":0,"q_timeouts":0,"path_groups":[{"dm_st":"active","paths":[`, m)
		for p := range paths {
			device := fmt.Sprintf("sd%c%d", 'a'+p, m)
			put(dm+"slaves/"+device+"/dev", fmt.Sprintf("8:%d", p))
			fmt.Fprintf(&daemon, `{"dev":%q,"dm_st":"active","chk_st":"ready","pri":50,"marginal_st":"normal"},`, device)
		}
		daemon.WriteString(`{"dev":"sdzz"}]}]},`)
	}
	daemon.WriteString(`{"name":"last"}]}`)
	for _, mode := range []string{"sysfs", "dm", "multipathd"} {
		b.Run(mode, func(b *testing.B) {
			s := &bench{TB: b, host: &host.Host{Sys: host.NewTree(root).Attributes(), Root: host.NewTree(filepath.Join(root, "root")), Now: time.Now}}
			s.host.DeviceMapper = func(_ string, wantsTable bool) ([]host.Target, error) {
				text := status.String()
				if wantsTable {
					text = table.String()
				}
				return []host.Target{{Type: "multipath", Text: text}}, nil
			}
			s.daemon(func(_ string, conn net.Conn) { reply(conn, daemon.String()) })
			s.build(withSource(mode))
			if _, errs := s.update(); errs != nil {
				b.Fatal(errs)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.read()
			}
			b.ReportMetric(float64(s.Out.SampleCount()), "samples")
		})
	}
}
