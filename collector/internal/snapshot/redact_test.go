package snapshot_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

// attribute returns a netlink attribute in hexadecimal digits, little endian.
func attribute(typ int, payload string) string {
	size := 4 + len(payload)
	return fmt.Sprintf("%02x%02x%02x%02x%x%s", size&0xff, size>>8, typ&0xff, typ>>8, payload, strings.Repeat("00", (4-size%4)%4))
}

// planted is a host with secrets in each place where a host has some.
func planted() string {
	mac, v4, v6 := "\x52\x54\x00\xab\xcd\xef", "\x0a\x01\x02\x63", "\x20\x01\x0d\xb8\xaa\xbb\x00\x00\x00\x00\x00\x00\x00\x00\x12\x34"
	link := strings.Repeat("00", 16) + attribute(unix.IFLA_IFNAME, "enx525400abcdef\x00") + attribute(unix.IFLA_ADDRESS, mac) +
		attribute(unix.IFLA_IFALIAS, "to customer-acme\x00") + attribute(54, mac) + attribute(unix.IFLA_LINKINFO, "\x10\x00\x02\x00"+mac+"\x00\x00\x00\x00\x00\x00")
	address := strings.Repeat("00", 8) + attribute(unix.IFA_ADDRESS, v4) + attribute(unix.IFA_LABEL, "customer-acme\x00")
	route := strings.Repeat("00", 12) + attribute(unix.RTA_DST, v6) + attribute(unix.RTA_VIA, "\x02\x00"+v4) +
		attribute(unix.RTA_MULTIPATH, "\x10\x00\x00\x00\x02\x00\x00\x00\x08\x00\x05\x00"+v4)
	neighbor := strings.Repeat("00", 12) + attribute(unix.NDA_DST, v4) + attribute(unix.NDA_LLADDR, mac)
	socket := "02010000" + "0016c350" + hex.EncodeToString([]byte(v4)) + strings.Repeat("00", 12) + hex.EncodeToString([]byte(v4)) + strings.Repeat("00", 12) + strings.Repeat("00", 32) + "6375737400"
	scan := "22010000" + attribute(unix.NL80211_ATTR_BSS, bss(mac, "Acme-Guest-WLAN")) + attribute(unix.NL80211_ATTR_SSID, "Acme-Guest-WLAN")
	files := []string{
		"etc/resolv.conf", "search corp.acme-bank.example\nnameserver 10.1.2.99\n",
		"proc/sys/kernel/hostname", "dbhost17\n",
		"proc/sys/kernel/random/boot_id", "9f8e7d6c-1234-4abc-8def-0123456789ab\n",
		"proc/net/arp", "IP address HW type\n10.1.2.99 0x1 0x2 52:54:00:ab:cd:ef * eth0\n",
		"proc/net/udp", "  sl  local_address rem_address\n  1: 6302010A:0035 00000000:0000 07\n",
		"proc/net/udp6", "  1: B80D01200000BBAA0000000034120000:0035 00000000000000000000000000000000:0000 07\n",
		"proc/net/ip_vs", "TCP  0A010263:0050 rr\n  -> [2001:0db8:aabb:0000:0000:0000:0000:1234]:0050 Masq 1 0 0\n",
		"proc/net/bonding/bond0", "Permanent HW addr: 52:54:00:ab:cd:ef\nPartner Mac Address: 52:54:00:AB:CD:EF\n",
		"proc/self/mountinfo", "30 20 0:40 / /home/mustermann rw - nfs4 filer09.corp.acme-bank.example:/export rw,addr=10.1.2.99,clientaddr=2001:db8:aabb::1234\n" +
			"31 20 0:41 / /srv rw - cifs //WINSRV77/share rw,username=mustermann,domain=ACMEDOM\n" +
			"32 20 0:42 / /ceph rw - ceph mon0815,mon0816:6789:/ rw,name=backupuser\n" +
			"33 20 0:43 / /fuse rw - fuse.sshfs mustermann@jump4711:/x rw\n" +
			"34 20 0:44 / /var/lib/docker/overlay2/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/merged rw - overlay overlay rw\n",
		"proc/mounts", "filer09:/export /mnt nfs rw,addr=10.1.2.99 0 0\n",
		"proc/self/mountstats", "device filer09:/export mounted on /mnt with fstype nfs statvers=1.1\n\topts:\trw,addr=10.1.2.99\n",
		"proc/42/stat", "42 (acme-payroll) S 1 42\n",
		"sys/class/net/enx525400abcdef/address", "52:54:00:ab:cd:ef\n",
		"sys/class/net/enx525400abcdef/ifalias", "to customer-acme\n",
		"sys/class/net/ib0/address", "80:00:00:48:fe:80:00:00:00:00:00:00:e4:1d:2d:03:00:ab:cd:ef\n",
		"sys/class/infiniband/mlx5_0/node_guid", "e41d:2d03:00ab:cdef\n",
		"sys/class/dmi/id/product_serial", "CZJ12345XY\n",
		"sys/class/dmi/id/product_uuid", "4c4c4544-0043-5a10-804a-b1c04f313233\n",
		"sys/class/dmi/id/chassis_asset_tag", "ACME-INV-00815\n",
		"sys/class/fc_host/host1/port_name", "0x50014380242612f4\n",
		"sys/class/fc_host/host1/node_name", "0x5001438024261234\n",
		"sys/class/fc_host/host1/symbolic_name", "Emulex LPe35002 FV12.8.340.8 DV14.2.0.17 HN:dbhost17.corp.acme-bank.example OS:Linux\n",
		"sys/class/fc_remote_ports/rport-1:0-1/port_name", "0x5000097358001234\n",
		"sys/class/iscsi_host/host2/initiatorname", "iqn.1994-05.com.acme-bank:dbhost17\n",
		"sys/class/iscsi_session/session1/targetname", "iqn.1992-04.com.emc:cx.apm00123456789.a0\n",
		"sys/class/iscsi_connection/connection1:0/persistent_address", "10.1.2.99\n",
		"sys/block/sda/device/wwid", "naa.600508b1001cdeadbeef0123456789ab\n",
		"sys/block/sdb/device/wwid", "t10.ATA     INTEL SSDSC2BB480G7                      BTWA123400AB480FGN  \n",
		"sys/block/nvme0n1/wwid", "nvme.144d-533437384e59304d393030313233-53414d53554e47-00000001\n",
		"sys/block/nvme1n1/wwid", "eui.0025385b71b01234\n",
		"sys/class/nvme/nvme0/serial", "S478NY0M900123      \n",
		"sys/class/nvme/nvme0/subsysnqn", "nqn.1992-08.com.netapp:sn.d3b8a2c1e4f011ec8d3d00a098d39e12:subsystem.acmeprod\n",
		"sys/class/nvme/nvme0/address", "traddr=10.1.2.99,trsvcid=4420,host_traddr=2001:db8:aabb::1234\n",
		"sys/block/dm-0/dm/uuid", "LVM-AbCdEfGhIjKlMnOpQrStUvWxYz012345AbCdEfGhIjKlMnOpQrStUvWxYz6789ab\n",
		"sys/block/dm-1/dm/uuid", "mpath-3600508b1001cdeadbeef0123456789ab\n",
		"run/udev/data/b8:0", "S:disk/by-id/wwn-0x600508b1001cdeadbeef0123456789ab\nE:ID_SERIAL=HGST_HUS726T6_V8G6X4RL\nE:ID_SERIAL_SHORT=V8G6X4RL\nE:ID_FS_LABEL=acmelabel\nE:ID_FS_UUID=9f8e7d6c-1234-4abc-8def-0123456789ab\nS:disk/by-id/ata-HGST_HUS726T6_V8G6X4RL\nE:ID_PART_ENTRY_NAME=acmepart\n",
		"sys/fs/cgroup/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope/cpu.stat", "usage_usec 1\n",
		"sys/fs/cgroup/machine.slice/machine-qemu\\x2d7\\x2dacmevm.scope/cpu.stat", "usage_usec 1\n",
		"sys/class/power_supply/BAT0/uevent", "POWER_SUPPLY_NAME=BAT0\nPOWER_SUPPLY_SERIAL_NUMBER=BATSER998\n",
		"syscall/uname", "sysname=Linux\nnodename=dbhost17\nrelease=5.14.0\nversion=#1 SMP dbhost17\nmachine=x86_64\ndomainname=nisacme\n",
		"syscall/statfs", "/home/mustermann type=0x1 bsize=1 blocks=0\n",
		"syscall/btrfs", "/b fsid=4c4c4544-0043-5a10-804a-b1c04f313233 devid=1 uuid=9f8e7d6c-1234-4abc-8def-0123456789ab total=1 used=1\n",
		"syscall/multipathd", `{"maps":[{"name":"mpatha","uuid":"3600508b1001cdeadbeef0123456789ab","paths":[{"serial":"SRL5566778","host_wwpn":"0x50014380242612f4","target_wwpn":"0x5000097358001234"}]}]}` + "\n",
		"syscall/dbus", "/org/freedesktop/login1 org.freedesktop.login1.Manager.ListSessions a(susso) 1 \"3\" 1000 \"mustermann\" \"seat0\" \"/org/freedesktop/login1/session/_33\"\n" +
			"/org/freedesktop/login1/session/_33 org.freedesktop.login1.Session.RemoteHost s \"laptop-mustermann.corp.acme-bank.example\"\n" +
			"/org/freedesktop/systemd1 org.freedesktop.systemd1.Manager.ListUnits a(ssssssouso) 1\n\t\"a.service\" \"Payroll of acmecorp\" \"loaded\" \"active\" \"running\" \"\" \"/org/a\" 0 \"\" \"/\"\n",
		"syscall/netlink/16/22", scan + "\n",
		"syscall/netlink/0/18", link + "\n",
		"syscall/netlink/0/22", address + "\n",
		"syscall/netlink/0/26", route + "\n",
		"syscall/netlink/0/30", neighbor + "\n",
		"syscall/netlink/4/20", socket + "\n",
	}
	var b strings.Builder
	b.WriteString("A host with secrets.\noption filesystem/mount-points-exclude = ^/home/mustermann|10\\.1\\.2\\.99|10.1.2.99\n")
	for i := 0; i < len(files); i += 2 {
		a := snapshot.Archive{Entries: []snapshot.Entry{{Path: files[i], Data: []byte(files[i+1]), Mode: 0o644}}}
		b.Write(a.Format())
	}
	b.WriteString("-- sys/class/fc_host/host1/device -> ../../0x50014380242612f4/52:54:00:ab:cd:ef --\n")
	b.WriteString("-- run/user unread --\nenx525400abcdef\n9f8e7d6c-1234-4abc-8def-0123456789ab\n")
	b.WriteString("-- sys/class/net/enx525400abcdef/sfp escaped --\n" + strconvBytes(eeprom("SFPSER00112233")) + "\n")
	return b.String()
}

func bss(mac, ssid string) string {
	list := attribute(unix.NL80211_BSS_BSSID, mac) + attribute(unix.NL80211_BSS_INFORMATION_ELEMENTS, "\x00"+string(rune(len(ssid)))+ssid+"\xdd\x04acme")
	b, _ := hex.DecodeString(list)
	return string(b)
}

func eeprom(serial string) []byte {
	b := make([]byte, 256)
	b[0] = 3
	copy(b[68:84], serial+strings.Repeat(" ", 16))
	for _, c := range b[64:95] {
		b[95] += c
	}
	return b
}

func strconvBytes(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		fmt.Fprintf(&s, `\x%02x`, c)
	}
	return s.String()
}

// TestRedact looks for secrets in what is left of a host: as text, in either case, and in
// the digits of binary messages.
func TestRedact(t *testing.T) {
	a, err := snapshot.Parse([]byte(planted()))
	if err != nil {
		t.Fatal(err)
	}
	before := a.Format()
	snapshot.RedactWith(a, []byte("a key of the test"))
	after := a.Format()
	low := bytes.ToLower(after)
	for _, secret := range []string{
		"acme", "mustermann", "dbhost17", "filer09", "winsrv77", "mon0815", "mon0816", "jump4711", "backupuser", "nisacme", "laptop",
		"10.1.2.99", "6302010a", "0a010263", "2001:db8:aabb", "2001:0db8", "b80d0120", "20010db8aabb",
		"52:54:00:ab:cd:ef", "525400abcdef", "00:ab:cd:ef", "00ab:cdef", "payroll",
		"czj12345xy", "0043-5a10", "00815", "80242612f4", "8024261234", "7358001234", "apm00123456789", "d3b8a2c1",
		"deadbeef", "btwa1234", "533437384e59304d39", "5b71b01234", "s478ny0m900123", "abcdefghijkl", "v8g6x4rl", "batser998", "srl5566778",
		"9f8e7d6c", "0123456789abcdef0123456789abcdef", "sfpser", hex.EncodeToString([]byte("acme")), hex.EncodeToString([]byte("Acme")), "6375737400",
	} {
		if !bytes.Contains(bytes.ToLower(before), []byte(secret)) && secret != "sfpser" {
			t.Errorf("%s is not planted", secret)
		}
		for line := range bytes.Lines(low) {
			if bytes.Contains(line, []byte(secret)) {
				t.Errorf("%s is left: %.200s", secret, line)
			}
		}
	}
	if bytes.Contains(after, []byte("SFPSER")) {
		t.Error("the serial number of the transceiver is left")
	}
	for _, kept := range []string{
		"FV12.8.340.8 DV14.2.0.17", "OS:Linux", "nameserver 10.", "0x5001438", "0x5000097", "HGST_HUS726T6_", "release=5.14.0", "naa.600508b",
		"00000000:0000", "fe:80:00:00", `"loaded" "active" "running"`, "INTEL SSDSC2BB480G7", ".com.", "POWER_SUPPLY_NAME=BAT0",
	} {
		if !bytes.Contains(after, []byte(kept)) {
			t.Errorf("%s is gone", kept)
		}
	}
	if t.Failed() {
		t.Logf("%s", after)
	}
	t.Run("equality", func(t *testing.T) { checkEquality(t, after) })
	again, err := snapshot.Parse([]byte(planted()))
	if err != nil {
		t.Fatal(err)
	}
	snapshot.RedactWith(again, []byte("another key"))
	if bytes.Equal(again.Format(), after) {
		t.Error("another key has the same replacements")
	}
}

// checkEquality checks that what was equal in several places still is.
func checkEquality(t *testing.T, text []byte) {
	find := func(pattern string) string {
		t.Helper()
		m := regexp.MustCompile(`(?m)` + pattern).FindSubmatch(text)
		if m == nil {
			t.Fatalf("nothing matches %s", pattern)
		}
		return string(m[1])
	}
	address := find(`10\.\S+ 0x1 0x2 (\S+) \*`)
	digits := strings.ReplaceAll(address, ":", "")
	for what, have := range map[string]string{
		"the address of an interface": find(`^([0-9a-f]{2}(?::[0-9a-f]{2}){5})$`),
		"in upper case":               strings.ToLower(find(`Partner Mac Address: (\S+)`)),
	} {
		if have != address {
			t.Errorf("%s is %s, want %s", what, have, address)
		}
	}
	if n := bytes.Count(text, []byte("enx"+digits)); n < 3 {
		t.Errorf("%d interfaces are named enx%s", n, digits)
	}
	if n := bytes.Count(text, []byte(digits)); n < 7 { // the messages, too
		t.Errorf("the address %s is in %d places", digits, n)
	}
	ip := find(`^(10\.\S+) 0x1`)
	var b [4]byte
	if _, err := fmt.Sscanf(ip, "%d.%d.%d.%d", &b[0], &b[1], &b[2], &b[3]); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{
		"nameserver " + ip, "traddr=" + ip, fmt.Sprintf("%X:0050", b), fmt.Sprintf("%02X%02X%02X%02X:0035", b[3], b[2], b[1], b[0]), fmt.Sprintf("%x", b),
	} {
		if !bytes.Contains(text, []byte(form)) {
			t.Errorf("no %s", form)
		}
	}
	for _, pair := range [][2]string{
		{find(`^(0x5001438\S+)$`), find(`host_wwpn":"(0x\w+)`)},
		{find(`^(0x5000097\S+)$`), find(`target_wwpn":"(0x\w+)`)},
		{find(`^naa\.(\w+)`), find(`"uuid":"3(\w+)`)},
		{find(`^naa\.(\w+)`), find(`mpath-3(\w+)`)},
		{find(`^naa\.(\w+)`), find(`wwn-0x(\w+)`)},
		{find(`^nodename=(\w+)`), find(`HN:(\w+)`)},
		{find(`^nodename=(\w+)`), find(`hostname --\n(\w+)`)},
		{find(`ID_SERIAL_SHORT=(\w+)`), find(`ata-HGST_HUS726T6_(\w+)`)},
		{find(`ID_SERIAL_SHORT=(\w+)`), find(`ID_SERIAL=HGST_HUS726T6_(\w+)`)},
		{find(`/home/(\w+) rw`), find(`^/home/(\w+) type`)},
		{find(`/home/(\w+) rw`), find(`1000 "(\w+)"`)},
		{find(`nfs4 (\w+)\.`), find(`^device (\w+):`)},
		{find(`boot_id --\n(\S+)`), find(`devid=1 uuid=(\S+)`)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s and %s were equal", pair[0], pair[1])
		}
	}
}
