package growth

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

// Kinds returns all kinds.
func Kinds() []Kind {
	many := []int{1, 10, 100, 1000, 4000}
	// Buffers that grow with their content are no exact figures.
	free := Limits{SystemCalls: 0.1, Allocations: 0.25, Bytes: 32}
	calls := func(n float64) Limits { return Limits{n, free.Allocations, free.Bytes} }
	return []Kind{
		// Files of cpufreq and thermal_throttle. Frequencies that are slow to read, as on a busy
		// machine, are read by several goroutines.
		{Name: "CPUs", Sizes: []int{1, 8, 64, 512}, Collectors: []string{"cpu", "cpufreq", "schedstat", "softnet", "stat"}, Limits: Limits{19, 4, 1000}, make: makeCPUs},
		{Name: "disks", Sizes: many, Collectors: []string{"diskstats"}, Limits: free, make: makeDisks},
		{Name: "interfaces", Sizes: many, Collectors: []string{"netclass", "netdev"}, Limits: free, make: makeInterfaces},
		{Name: "neighbours", Sizes: many, Collectors: []string{"arp"}, Limits: free, make: makeNeighbours},
		{Name: "sockets", Sizes: many, Collectors: []string{"udp_queues"}, Limits: free, make: makeSockets},
		// A flight for each statfs.
		{Name: "mounts", Sizes: many, Collectors: []string{"filesystem"}, Limits: Limits{1.1, 3.25, 400}, make: makeMounts},
		// Two files of the control group of each of 45 services in 100 units.
		{Name: "units", Sizes: many, Collectors: []string{"systemd"}, Limits: calls(3), make: makeUnits},
		// Five files of each path, and a fourth of the 20 calls for its map.
		{Name: "paths", Sizes: many, Collectors: []string{"dmmultipath", "hba"}, Limits: Limits{15.25, 4.25, 300}, make: makePaths},
		// A file of each process; every tenth has three more threads.
		{Name: "processes", Sizes: many, Collectors: []string{"processes"}, Limits: calls(3), make: makeProcesses},
		// The path of each file, its entry, and its stat, which TestTextfileCallsWithStrace counts.
		{Name: "text files", Sizes: many, Collectors: []string{"textfile"}, Uncounted: 1, Limits: Limits{1.1, 4.25, 700}, make: makeTextFiles},
		{Name: "checks", Sizes: many, Collectors: []string{"check"}, Limits: free, make: makeChecks},
	}
}

func makeCPUs(s *Scene, n int) error {
	t := tree{root: s.root}
	t.write("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 10\n"+
		lines(n, func(i int) string { return fmt.Sprintf("cpu%d %d 1362 %d 4 81200 0 6 105 0 0", i, 139328+i, 572056+i) })+
		"intr 389584"+strings.Repeat(" 0", 4*n)+"\nctxt 333107\nbtime 1795350126\nprocesses 1489\nprocs_running 1\nprocs_blocked 0\n")
	t.write("proc/schedstat", "version 15\ntimestamp 4294937297\n"+
		lines(n, func(i int) string { return fmt.Sprintf("cpu%d 0 0 0 0 0 0 %d 3437963 %d", i, 20459367+i, 47674853+i) }))
	t.write("proc/net/softnet_stat", lines(n, func(i int) string {
		return fmt.Sprintf("%08x 00000000 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 %08x", 1000+i, i)
	}))
	cpus := tree{root: s.root + "/sys/devices/system/cpu"}
	for name, content := range map[string]string{"online": fmt.Sprintf("0-%d", n-1), "present": fmt.Sprintf("0-%d", n-1), "isolated": "", "offline": ""} {
		cpus.put(name, content)
	}
	for i := range n {
		for name, content := range map[string]string{
			"topology/core_id": fmt.Sprint(i / 2), "topology/physical_package_id": "0",
			"thermal_throttle/core_throttle_count": "5", "thermal_throttle/package_throttle_count": "7",
			"cpufreq/scaling_cur_freq": fmt.Sprint(1000000 + i), "cpufreq/scaling_min_freq": "800000", "cpufreq/scaling_max_freq": "3700000",
			"cpufreq/cpuinfo_min_freq": "800000", "cpufreq/cpuinfo_max_freq": "3700000",
			"cpufreq/scaling_governor": "powersave", "cpufreq/scaling_available_governors": "performance powersave",
		} {
			cpus.put(fmt.Sprintf("cpu%d/%s", i, name), content)
		}
	}
	if t.err != nil {
		return t.err
	}
	return cpus.err
}

func makeDisks(s *Scene, n int) error {
	t := tree{root: s.root}
	t.write("proc/diskstats", lines(n, func(i int) string {
		return fmt.Sprintf("%4d %7d sd%d %d 0 102 13 4 0 808 15 0 20 28 0 0 0 0 0 0", 8+i/256, i%256, i, 51+i)
	}))
	for i := range n {
		t.put(fmt.Sprintf("sys/block/sd%d/queue/rotational", i), "1")
		t.write(fmt.Sprintf("run/udev/data/b%d:%d", 8+i/256, i%256), fmt.Sprintf("E:ID_MODEL=DISK\nE:ID_SERIAL_SHORT=SN%d\nE:ID_WWN=0x5000c500%08x\n", i, i))
	}
	return t.err
}

func makeInterfaces(s *Scene, n int) error {
	t := tree{root: s.root}
	t.write("proc/net/dev", "Inter-|   Receive                                                |  Transmit\n"+
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"+
		lines(n, func(i int) string { return fmt.Sprintf("veth%d: %d 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", i, 1000+i) }))
	messages := make([][]byte, n)
	for i := range n {
		name := fmt.Sprintf("veth%d", i)
		messages[i] = linkMessage(i+1, name)
		for file, content := range map[string]string{
			"ifindex": fmt.Sprint(i + 1), "iflink": fmt.Sprint(i + 1), "type": "1", "dev_id": "0x0", "name_assign_type": "3", "speed": "10000", "duplex": "full", "flags": "0x1003",
			"address": fmt.Sprintf("02:00:00:00:%02x:%02x", (i+1)>>8, (i+1)&0xff),
		} {
			t.put("sys/class/net/"+name+"/"+file, content)
		}
	}
	s.host.Statfs = func(string) (unix.Statfs_t, error) { return unix.Statfs_t{Type: unix.SYSFS_MAGIC}, nil }
	s.host.Netlink = func(r host.NetlinkRequest, each func([]byte) error) error {
		if r.Type != unix.RTM_GETLINK {
			return nil
		}
		for _, m := range messages {
			if err := each(m); err != nil {
				return err
			}
		}
		return nil
	}
	return t.err
}

// linkMessage returns an RTM_NEWLINK message of an interface that is up.
func linkMessage(index int, name string) []byte {
	u32 := func(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
	m := slices.Concat([]byte{0, 0, 1, 0}, u32(uint32(index)), u32(unix.IFF_UP|unix.IFF_RUNNING|unix.IFF_LOWER_UP), u32(0))
	m = netlink.AppendAttribute(m, unix.IFLA_IFNAME, []byte(name+"\x00"))
	m = netlink.AppendAttribute(m, unix.IFLA_ADDRESS, []byte{2, 0, 0, 0, byte(index >> 8), byte(index)})
	m = netlink.AppendAttribute(m, unix.IFLA_MTU, u32(1500))
	m = netlink.AppendAttribute(m, unix.IFLA_OPERSTATE, []byte{6})
	m = netlink.AppendAttribute(m, unix.IFLA_CARRIER, []byte{1})
	m = netlink.AppendAttribute(m, unix.IFLA_CARRIER_CHANGES, u32(2))
	m = netlink.AppendAttribute(m, unix.IFLA_PROMISCUITY, u32(0))
	m = netlink.AppendAttribute(m, unix.IFLA_ALLMULTI, u32(0)) // since Linux 6.0
	var stats []byte
	for i := range 25 {
		stats = binary.NativeEndian.AppendUint64(stats, uint64(i*1000003*index))
	}
	return netlink.AppendAttribute(m, unix.IFLA_STATS64, stats)
}

func makeNeighbours(s *Scene, n int) error {
	t := tree{root: s.root}
	t.write("proc/net/arp", "IP address       HW type     Flags       HW address            Mask     Device\n"+
		lines(n, func(i int) string {
			return fmt.Sprintf("192.0.%d.%d 0x1 0x2 02:00:00:00:00:01 * eth%d", i/256, i%256, i%8)
		}))
	return t.err
}

func makeSockets(s *Scene, n int) error {
	t := tree{root: s.root}
	const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
	t.write("proc/net/udp", heading+lines(n, func(i int) string {
		return fmt.Sprintf("%d: 00000000:%04X 00000000:0000 07 00000000:00000A00 00:00000000 00000000 0 0 1900 2 0 0", i, i)
	}))
	return t.err
}

func makeMounts(s *Scene, n int) error {
	t := tree{root: s.root}
	t.write("proc/1/mountinfo", lines(n, func(i int) string {
		return fmt.Sprintf("%d 1 %d:%d / /srv/data%d rw,relatime shared:%d - xfs /dev/mapper/data%d rw", 30+i, 253+i/256, i%256, i, i, i)
	}))
	s.host.Statfs = func(string) (unix.Statfs_t, error) {
		return unix.Statfs_t{Type: unix.XFS_SUPER_MAGIC, Bsize: 4096, Blocks: 1 << 20, Bfree: 1 << 19, Bavail: 1 << 19, Files: 1 << 10, Ffree: 1 << 9}, nil
	}
	return t.err
}

func makeProcesses(s *Scene, n int) error {
	t := tree{root: s.root}
	s.host.Now = time.Now // that of the deadline
	t.put("proc/sys/kernel/pid_max", "4194304")
	t.put("proc/sys/kernel/threads-max", "16507456")
	stat := func(id int, threads int) string {
		return fmt.Sprintf("%d (process) S 1 1 1 0 -1 4194560 5042 181234 78 901 24 85 210 310 20 0 %d 0 21 56659968 5635 18446744073709551615 1 1 0 0 0 0 0 4096 1256 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0", id, threads)
	}
	for i := range n {
		pid := 1 + i
		dir, threads := fmt.Sprintf("proc/%d", pid), 1
		if i%10 == 9 {
			threads = 4
		}
		t.put(dir+"/stat", stat(pid, threads))
		for k := 1; k < threads; k++ {
			tid := pid + k<<20
			t.put(fmt.Sprintf("%s/task/%d/stat", dir, tid), stat(tid, threads))
		}
	}
	return t.err
}
