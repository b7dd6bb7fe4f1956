package hba

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// BenchmarkMultipathSources reads a host of many maps with each of the sources,
// whose answers are ready: what is measured is what is made of them.
func BenchmarkMultipathSources(b *testing.B) {
	const maps, paths = 1000, 4
	root := sanTree(b, maps, paths)
	var status, table, daemon strings.Builder
	fmt.Fprintf(&status, "2 0 0 0 1 1 A 0 %d 2 ", paths)
	table.WriteString("1 queue_if_no_path 1 alua 1 1 service-time 0 4 2")
	daemon.WriteString(`{"major_version":0,"maps":[`)
	for m := range maps {
		fmt.Fprintf(&daemon, `{"name":"mpath%d","queueing":"on","path_faults":1,"switch_grp":1,"map_loads":1,"total_q_time":0,"q_timeouts":0,"path_groups":[{"dm_st":"active","paths":[`, m)
		for p := range paths {
			fmt.Fprintf(&daemon, `{"dev":"sd%c%d","dm_st":"active","chk_st":"ready","pri":50,"marginal_st":"normal"},`, 'a'+p, m)
			link, err := os.Readlink(filepath.Join(root, fmt.Sprintf("block/sd%c%d", 'a'+p, m)))
			if err != nil {
				b.Fatal(err)
			}
			put(b, root, filepath.Join("block", link, "dev"), fmt.Sprintf("8:%d", p))
			if m == 0 {
				fmt.Fprintf(&status, "8:%d A 0 0 1 ", p)
			}
		}
		daemon.WriteString(`{"dev":"sdzz"}]}]},`)
	}
	daemon.WriteString(`{"name":"last"}]}`)
	for _, mode := range []string{"sysfs", "dm", "multipathd"} {
		b.Run(mode, func(b *testing.B) {
			bench := &pathsBench{TB: b, host: &host.Host{Sys: host.NewTree(root).Attributes(), Root: host.NewTree(filepath.Join(root, "root")), Now: time.Now}}
			bench.host.DeviceMapper = func(_ string, want bool) ([]host.Target, error) {
				text := status.String()
				if want {
					text = table.String()
				}
				return []host.Target{{Type: "multipath", Text: text}}, nil
			}
			bench.daemon(func(_ string, conn net.Conn) { reply(conn, daemon.String()) })
			bench.build("multipath-source=" + mode)
			if _, told := bench.update(); told != nil {
				b.Fatal(told)
			}
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				bench.out.Reset(metric.Text)
				if err := bench.c.Update(b.Context(), bench.out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu()-start).Microseconds())/1000/float64(b.N), "ms-cpu")
			b.ReportMetric(float64(bench.out.SampleCount()), "samples")
		})
	}
}
