package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var pictures = flag.Bool("pictures", false, "write docs/pictures")

// A pageHost is a host whose pages the test opens.
type pageHost struct {
	name   string
	load   []string                 // recorded hosts, in testdata
	change func(t *testing.T, x vm) // what is different
	flags  []string                 // in addition
	config string                   // configuration file
	first  []string                 // on the first screen of the first page
	absent []string                 // not on the first page
	charts []string                 // titles
	pages  map[string][]string      // text by page
}

// A vm is a recorded host with CPUs, memory, disks and a network whose counters grow.
type vm struct{ *tree }

// write writes a file of the host.
func (x vm) write(t *testing.T, name, format string, args ...any) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(x.root+"/"+name), 0o755); err != nil {
		t.Fatal(err)
	}
	replace(t, x.root+"/"+name, fmt.Sprintf(format, args...))
}

// set writes a file of sysfs that exists, wherever a link leads.
func (x vm) set(t *testing.T, name, value string) {
	t.Helper()
	path, err := filepath.EvalSymlinks(x.root + "/sys/" + name)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, path, value+"\n")
}

// link makes a symbolic link.
func (x vm) link(t *testing.T, name, target string) {
	t.Helper()
	path := x.root + "/" + name
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// base writes the files of a small host after some seconds of its life.
func (x vm) base(t *testing.T, seconds float64, disks []string) {
	ticks := func(share float64) int { return int(100 * (86400 + share*seconds)) }
	var stat strings.Builder
	wave := seconds + 8*math.Sin(seconds/20) - 2*math.Cos(seconds/5) + 2 // it never decreases
	for _, cpu := range []string{"cpu", "cpu0", "cpu1"} {
		n := 1
		if cpu == "cpu" {
			n = 2
		}
		fmt.Fprintf(&stat, "%s %d 0 %d %d %d 0 %d 0 0 0\n", cpu, n*int(100*(86400+0.2*wave)), n*ticks(0.06), n*ticks(0.66), n*ticks(0.05), n*ticks(0.02))
	}
	x.write(t, "proc/stat", "%sintr 1\nctxt 1\nbtime 1700000000\nprocesses 1\nprocs_running 1\nprocs_blocked 0\nsoftirq 1\n", &stat)
	x.write(t, "proc/meminfo", "MemTotal: 16000000 kB\nMemFree: 2000000 kB\nMemAvailable: %d kB\nBuffers: 200000 kB\nCached: %d kB\nSwapTotal: 2000000 kB\nSwapFree: 1900000 kB\n",
		9000000-int(20000*seconds)%1000000, 6000000+int(9000*seconds)%500000)
	for resource, share := range map[string]float64{"cpu": 0.08, "io": 0.03, "memory": 0.001} {
		x.write(t, "proc/pressure/"+resource, "some avg10=0.00 avg60=0.00 avg300=0.00 total=%[1]d\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=%[1]d\n", int(1e6*(share*wave+1)))
	}
	x.write(t, "proc/loadavg", "0.52 0.40 0.31 1/321 4242\n")
	x.write(t, "proc/version", "Linux version 6.12.0\n")
	x.write(t, "proc/net/dev", "Inter-| Receive | Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed\n"+
		"    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  ens3: %d 1 0 0 0 0 0 0 %d 1 0 0 0 0 0 0\n", int(1e9+3.1e6*wave), int(1e9+8e5*wave))
	var b strings.Builder
	for i, disk := range disks {
		n := seconds * float64(1+i%4)
		fmt.Fprintf(&b, "   8 %d %s %d 0 %d %d %d 0 %d %d 0 %d %d\n", i, disk, int(20*n)+1, int(800*wave)+1, int(90*n), int(40*n)+1, int(2000*wave), int(100*n), int(60*n)+100-i, int(100*n))
	}
	x.write(t, "proc/diskstats", "%s", &b)
}

// pageHosts are a small virtual machine, a host with a healthy SAN, the same with a
// lost link, one whose checks and expectations fail, and one with NVMe over Fibre
// Channel, sensors and software RAID.
func pageHosts() []pageHost {
	san := []string{testdata + "hosts/san.host"}
	volumes := func(t *testing.T, x vm) {
		x.set(t, "class/fc_host/host6/fabric_name", "0x100050eb1a2b3c00")
		x.set(t, "class/fc_host/host6/port_id", "0x051100")
		x.set(t, "class/fc_host/host7/fabric_name", "0x100050eb1a2b3c00")
		x.set(t, "class/fc_host/host7/port_id", "0x051200")
		x.set(t, "class/fc_host/host8/fabric_name", "0x100050eb1a2b4d00")
		x.set(t, "class/fc_host/host8/port_id", "0x061100")
		blocks, err := os.ReadDir(x.root + "/sys/block")
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			target, err := os.Readlink(x.root + "/sys/block/" + b.Name())
			if err != nil {
				t.Fatal(err)
			}
			x.link(t, "sys/class/block/"+b.Name(), "../"+target)
		}
		var mounts strings.Builder
		for i, point := range []string{"/srv/oracle", "/srv/backup", "/var/lib/mysql"} {
			x.link(t, fmt.Sprintf("sys/dev/block/253:%d", i), fmt.Sprintf("../../devices/virtual/block/dm-%d", i))
			fmt.Fprintf(&mounts, "%d 27 253:%d / %s rw,relatime - xfs /dev/mapper/mpath%c rw\n", 50+i, i, point, 'a'+i)
		}
		for _, process := range []string{"1", "self"} {
			b, err := os.ReadFile(x.root + "/proc/" + process + "/mountinfo")
			if err != nil {
				t.Fatal(err)
			}
			x.write(t, "proc/"+process+"/mountinfo", "%s%s", b, &mounts)
		}
	}
	// Three of the six ports of the SAN have nothing behind them.
	spare := "health:\n  fc-no-targets: {ignore: ['port_name=\"2000525400aa0002\"', 'port_name=\"2000525400bb0002\"', 'port_name=\"2000525400cc0002\"']}\n"
	sanFlags := []string{"--collector.hba", "--collector.fibrechannel", "--collector.dmmultipath", "--collector.blockstack", "--collector.hba.multipath-source=sysfs", "--collector.hba.statistics-min-interval=0s", "--collector.hba.luns=all"}
	basic := []string{"CPU time", "Memory", "Pressure: tasks that wait", "Disk throughput", "Busiest disks", "Network"}
	fc := append(slices.Clone(basic), "Fibre Channel throughput")
	return []pageHost{
		{
			name: "vm", first: []string{"ok: no problems", "CPU time", "Memory"}, absent: []string{"SAN", "File systems at risk", "Checks", "Expectations"}, charts: basic,
			pages: map[string][]string{
				"/collectors":          {"ok", "loadavg"},
				"/collectors/loadavg":  {"node_load1", "/proc/loadavg", "Default", "no privileges"},
				"/collectors/textfile": {"disabled", "--collector.textfile enables it"},
				"/collectors/nothing":  {"There is no collector"},
				"/config":              {"There is no configuration file", "tcp 127.0.0.1:", "--web.max-requests"},
			},
		},
		{
			name: "san", load: san, change: volumes, flags: sanFlags, config: spare, charts: fc,
			first: []string{"ok: no problems", "SAN"}, absent: []string{"File systems at risk"},
			pages: map[string][]string{"/san": {"mpatha", "/srv/oracle", "host8"}, "/config": {"fc-no-targets", "host_exporter.yml:2"}, "/collectors/hba": {"node_hba_fc_port_state", "statistics-min-interval", "--collector.hba.statistics-min-interval"}},
		},
		{
			name: "san-degraded", load: san, flags: sanFlags, config: spare, charts: fc,
			change: func(t *testing.T, x vm) {
				volumes(t, x)
				x.set(t, "class/fc_host/host8/port_state", "Linkdown")
				x.set(t, "class/fc_remote_ports/rport-8:0-0/port_state", "Blocked")
				for i := range 3 {
					x.set(t, fmt.Sprintf("class/scsi_device/8:0:0:%d/device/state", i), "transport-offline")
				}
			},
			first: []string{"warning", "host8", "mpatha", "File systems at risk", "/srv/oracle", "100050eb1a2b4d00"},
			pages: map[string][]string{"/san": {"mpatha", "/srv/oracle", "host8", "linkdown"}, "/collectors/hba": {"node_hba_fc_port_state"}},
		},
		{
			name: "checks", charts: basic,
			config: `checks:
  backup: {description: Age of the last backup, command: [/bin/sh, -c, "echo backup_age_seconds 3600"], interval: 10s, timeout: 2s}
  certificate: {description: Days until the certificate expires, command: [/bin/sh, -c, "echo certificate: cannot connect >&2; echo second line >&2; exit 3"], interval: 10s, timeout: 2s}
  queue: {command: [/bin/sh, -c, "echo 'queue_length 3'; echo 'other 1'"], metrics: [{name: queue_length}], interval: 10s, timeout: 2s}
expect:
  two-cpus: {expect: 'count(node_cpu_seconds_total{mode="idle"}) == 2'}
  backup-is-fresh: backup_age_seconds < 1800
`,
			first: []string{"warning", "certificate", "backup-is-fresh"},
			pages: map[string][]string{
				"/checks":             {"exit", "1 sample dropped", "backup"},
				"/checks/certificate": {"exit code 3", "every 10s", "host_exporter.yml:3", "Last runs", "--web.show-check-runs"},
				"/checks/queue":       {"1 sample dropped", "queue_length 3", "dropped samples: undeclared"},
				"/checks/nothing":     {"There is no check"},
				"/expectations":       {"not met", "backup_age_seconds < 1800", "backup_age_seconds 3600", "host_exporter.yml:7"},
				"/config":             {"host_exporter.yml, read", "backup", "host_exporter.yml:2", "two-cpus"},
			},
		},
		{
			name: "hardware", load: []string{testdata + "hba/hba.nvme-fc.host", testdata + "hardware/hwmon.host", testdata + "hardware/edac.host", testdata + "storage/mdadm.member-failure.host"}, charts: basic,
			flags: []string{"--collector.hba", "--collector.hba.multipath-source=sysfs", "--collector.hwmon", "--collector.edac", "--collector.mdadm", "--collector.blockstack", "--collector.dmmultipath"},
			first: []string{"critical"},
			pages: map[string][]string{"/san": {"nvme"}, "/collectors/hwmon": {"node_hwmon_temp_celsius"}},
		},
	}
}

// TestEndToEndPages opens the pages of five recorded hosts in a real browser: wide,
// narrow and dark. It checks what a reader sees.
func TestEndToEndPages(t *testing.T) {
	parallelUnlessShort(t)
	program(t, "chromium")
	binary := build(t)
	for _, h := range pageHosts() {
		t.Run(h.name, func(t *testing.T) { testPages(t, binary, h) })
	}
}

// shown are the other pages in docs/pictures.
var shown = []string{"san-degraded-san", "san-collectors-hba", "checks-checks-certificate", "checks-expectations", "san-config"}

// hurry makes ten seconds of the page pass in one.
const hurry = `{
  const start = Date.now(), now = Date.now.bind(Date), wait = setTimeout.bind(window);
  Date.now = () => start + 10 * (now() - start);
  window.setTimeout = (f, ms) => wait(f, ms / 10);
}`

// Sizes of windows. The first screen is that of a small notebook.
const (
	wide, firstScreen  = 1280, 900
	narrow, phoneSheet = 390, 844
)

func testPages(t *testing.T, binary string, h pageHost) {
	x := vm{newTree(t, h.load...)}
	disks := slices.DeleteFunc(slices.Clone(x.disks), func(d string) bool { return strings.HasPrefix(d, "dm-") || strings.HasPrefix(d, "md") })
	if len(disks) == 0 {
		disks = []string{"vda", "vdb"}
	}
	x.base(t, 0, disks)
	if h.change != nil {
		h.change(t, x)
	}
	address := freeAddress(t)
	flags := []string{"--web.listen-address=" + address, "--path.procfs=" + x.root + "/proc", "--path.sysfs=" + x.root + "/sys", "--path.udev.data=" + x.root + "/run/udev/data", "--path.rootfs=" + x.root,
		"--checks.user=", "--collector.disable-defaults", "--no-collector.netdev.netlink"}
	for _, c := range []string{"cpu", "meminfo", "pressure", "diskstats", "netdev", "loadavg"} {
		flags = append(flags, "--collector."+c)
	}
	flags = append(flags, h.flags...)
	if h.config != "" {
		file := filepath.Join(x.root, "host_exporter.yml")
		x.write(t, "host_exporter.yml", "%s", h.config)
		flags = append(flags, "--config.file="+file)
	}
	run(t, binary, flags...)
	base := "http://" + address
	get(t, base+"/metrics")
	if h.config != "" { // until its checks have run
		eventually(30*time.Second, func() bool { return !strings.Contains(get(t, base+"/checks"), "not run yet") })
	}

	browser := newBrowser(t)
	page := browser.open()
	page.do("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": hurry})
	page.resize(wide, firstScreen, false)
	page.load(base + "/")
	stop := make(chan struct{})
	stepped := make(chan struct{})
	go func() {
		defer close(stepped)
		begin, tick := time.Now(), time.NewTicker(200*time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				x.grow(t)
				x.base(t, 10*time.Since(begin).Seconds(), disks)
			}
		}
	}()
	defer func() { close(stop); <-stepped }()
	var titles []string
	if !eventually(20*time.Second, func() bool {
		page.eval("[...document.querySelectorAll('figure strong')].map(e => e.textContent)", &titles)
		return len(titles) >= len(h.charts)
	}) {
		t.Errorf("the charts are %q", titles)
	}
	for _, title := range h.charts {
		if !slices.Contains(titles, title) {
			t.Errorf("no chart %q in %q", title, titles)
		}
	}
	points := 4
	if *pictures {
		points = 24
	}
	time.Sleep(time.Duration(points) * 500 * time.Millisecond) // so many points

	checkFirstScreen(t, page, h)
	checkKeyboard(t, page)
	checkSearch(t, page)
	for _, v := range []struct {
		name          string
		width, height int
		dark          bool
	}{{"wide", wide, firstScreen, false}, {"narrow", narrow, phoneSheet, false}, {"dark", wide, firstScreen, true}} {
		page.resize(v.width, v.height, v.dark)
		checkLooks(t, page, h.name+" "+v.name)
		if *pictures {
			savePicture(t, h.name+"-"+v.name, page.picture(map[bool]int{true: 1250, false: 1700}[v.width == wide]))
		}
	}
	checkMessages(t, browser, "/")
	for path, want := range h.pages {
		page.resize(narrow, phoneSheet, false)
		page.load(base + path)
		text := page.text()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s does not show %q:\n%s", path, w, text)
			}
		}
		for _, dark := range []bool{false, true} {
			page.resize(narrow, phoneSheet, dark)
			checkLooks(t, page, fmt.Sprintf("%s%s, dark %v", h.name, path, dark))
		}
		if name := h.name + strings.ReplaceAll(path, "/", "-"); *pictures && slices.Contains(shown, name) {
			page.resize(wide, firstScreen, false)
			savePicture(t, name, page.picture(1000))
		}
		checkMessages(t, browser, path)
	}
	page.resize(narrow, phoneSheet, false)
	page.do("Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
	page.load(base + "/")
	html := get(t, base+"/")
	if !strings.Contains(html, `id="live" hidden`) || !strings.Contains(html, `id="verdict"`) {
		t.Errorf("without scripts:\n%s", html)
	}
	checkMessages(t, browser, "/ without scripts")
}

// checkFirstScreen checks what is on the first screen, and what is on no screen.
func checkFirstScreen(t *testing.T, page *tab, h pageHost) {
	t.Helper()
	var seen string
	page.eval(`(() => {
  scrollTo(0, 0);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange(), seen = [];
  while (walker.nextNode()) {
    range.selectNodeContents(walker.currentNode);
    const box = range.getBoundingClientRect();
    if (box.height && box.top >= 0 && box.bottom <= innerHeight) seen.push(walker.currentNode.data.trim());
  }
  return seen.filter(Boolean).join(' ').replace(' : ', ': ');
})()`, &seen)
	for _, want := range h.first {
		if !strings.Contains(strings.ReplaceAll(seen, " :", ":"), want) {
			t.Errorf("the first screen does not show %q:\n%s", want, seen)
		}
	}
	all := page.text()
	for _, not := range h.absent {
		if strings.Contains(all, not) {
			t.Errorf("the page shows %q:\n%s", not, all)
		}
	}
}

// checkKeyboard presses Tab on the page: the focus is visible, and moves in the order
// of the document, through all that can be used.
func checkKeyboard(t *testing.T, page *tab) {
	t.Helper()
	var count int
	page.eval(`document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]').length`, &count)
	page.eval("document.activeElement.blur(), window.last = null, 0", new(int))
	for i := range min(count, 60) {
		page.press("Tab", 9)
		var focus struct {
			Text             string
			Forward, Visible bool
		}
		page.eval(`(() => {
  const e = document.activeElement, style = getComputedStyle(e);
  const forward = !window.last || !!(window.last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING);
  window.last = e;
  return {Text: e.tagName + ' ' + e.textContent.trim().slice(0, 40), Forward: forward, Visible: style.outlineStyle !== 'none' && e.getBoundingClientRect().left >= 0};
})()`, &focus)
		if !focus.Forward || !focus.Visible || i == 0 && focus.Text != "A Skip to content" {
			t.Errorf("Tab %d of %d: %+v", i+1, count, focus)
		}
	}
	page.eval("document.activeElement.blur(), scrollTo(0, 0), 0", new(int))
}

// checkSearch sorts the collectors by name, and searches for one if there are many.
func checkSearch(t *testing.T, page *tab) {
	t.Helper()
	var names []string
	page.eval(`(() => {
  const table = document.querySelector('table[data-list=collectors]'), button = table.querySelector('th button');
  button.click();
  button.click();
  return [...table.tBodies[0].rows].map(row => row.cells[0].textContent.trim());
})()`, &names)
	if !slices.IsSortedFunc(names, func(a, b string) int { return strings.Compare(b, a) }) || len(names) < 6 {
		t.Errorf("sorted downwards: %q", names)
	}
	if len(names) < 9 {
		return
	}
	page.eval("document.querySelector('.search input').focus(), 0", new(int))
	page.typeText("memINFO")
	page.eval(`[...document.querySelector('table[data-list=collectors]').tBodies[0].rows].filter(row => !row.hidden).map(row => row.cells[0].textContent.trim())`, &names)
	if !slices.Equal(names, []string{"meminfo"}) {
		t.Errorf("found %q", names)
	}
	page.eval(`(() => { const i = document.querySelector('.search input'); i.value = ''; i.dispatchEvent(new Event('input')); i.blur(); scrollTo(0, 0); return 0 })()`, new(int))
}

// checkLooks checks that the page does not scroll sideways, and that all of its text
// has the contrast that WCAG 2 AA wants.
func checkLooks(t *testing.T, page *tab, what string) {
	t.Helper()
	var looks struct {
		Width, Window int
		Wide, Faint   []string
	}
	page.eval(`(() => {
  const rgb = s => { const v = s.match(/[\d.]+/g).map(Number); return [v[0], v[1], v[2], v[3] ?? 1]; };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const back = e => { // the color behind a text
    const layers = [];
    for (let n = e; n; n = n.parentElement) layers.push(rgb(getComputedStyle(n).backgroundColor));
    return layers.reverse().reduce((below, c) => over(c, below), [255, 255, 255, 1]);
  };
  const luminance = c => [0, 1, 2].map(i => c[i] / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const faint = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest('script, style')) continue;
    const style = getComputedStyle(e), svg = e.closest('svg');
    const box = svg && e.closest('g')?.querySelector('rect');
    const behind = box ? rgb(getComputedStyle(box).fill) : back(e);
    const [a, b] = [luminance(over(rgb(svg ? style.fill : style.color), behind)), luminance(behind)].sort((a, b) => b - a);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(walker.currentNode.data.trim() + ' ' + ((a + 0.05) / (b + 0.05)).toFixed(2));
  }
  const wide = document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.wide')).map(e => e.outerHTML.slice(0, 120));
  return {Width: document.documentElement.scrollWidth, Window: innerWidth, Wide: wide, Faint: faint};
})()`, &looks)
	if looks.Width > looks.Window {
		t.Errorf("%s: it is %d pixels wide, the window %d: %q", what, looks.Width, looks.Window, looks.Wide)
	}
	if len(looks.Faint) > 0 {
		t.Errorf("%s: too little contrast: %q", what, looks.Faint)
	}
}

// checkMessages checks that the console has no messages, such as those of violations
// of the policy.
func checkMessages(t *testing.T, b *browser, what string) {
	t.Helper()
	for _, m := range b.takeMessages() {
		if strings.Contains(what, "/nothing") && strings.Contains(m, "status of 404") {
			continue
		}
		t.Errorf("%s: the console has %s", what, m)
	}
}

// savePicture writes a picture with at most 256 colors to docs/pictures.
func savePicture(t *testing.T, name string, b []byte) {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(full.At(x, y)).(color.RGBA) }
	for y := range full.Bounds().Dy() {
		for x := range full.Bounds().Dx() {
			counts[at(x, y)]++
		}
	}
	var all []color.RGBA
	for c := range counts {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return int(a.R-b.R)<<16 + int(a.G-b.G)<<8 + int(a.B-b.B)
	})
	var palette color.Palette
	for _, c := range all[:min(len(all), 64)] {
		palette = append(palette, c)
	}
	indexes := map[color.RGBA]uint8{}
	small := image.NewPaletted(full.Bounds(), palette)
	for y := range full.Bounds().Dy() {
		for x := range full.Bounds().Dx() {
			c := at(x, y)
			i, ok := indexes[c]
			if !ok {
				i = uint8(palette.Index(c))
				indexes[c] = i
			}
			small.SetColorIndex(x, y, i)
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		t.Fatal(err)
	}
	dir := docs + "pictures"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
