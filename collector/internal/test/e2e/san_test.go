package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/tool/mixin"
)

const (
	docs     = "../../../../docs/"
	testdata = "../../../../testdata/"
)

// TestEndToEndRules checks the rules with promtool, and runs their tests.
func TestEndToEndRules(t *testing.T) {
	parallelUnlessShort(t)
	promtool := program(t, "promtool")
	for _, file := range ruleFiles(t) {
		for _, args := range [][]string{{"check", "rules", file}, {"test", "rules", mixin.TestFile(file)}} {
			if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
				t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		}
	}
}

// ruleFiles returns the files of alerts, with absolute paths.
func ruleFiles(t *testing.T) []string {
	t.Helper()
	dir, err := filepath.Abs(docs + "mixin")
	if err != nil {
		t.Fatal(err)
	}
	files, err := mixin.RuleFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sanHosts returns recorded hosts that together have everything that the
// dashboards show.
func sanHosts(t *testing.T) []string {
	t.Helper()
	hosts := []string{
		"hosts/san", "hba/hba", "hba/hba.rports", "hba/hba.luns-health", "hba/hba.luns-fcoe", "hba/hba.luns-errors",
		"hba/hba.iscsi-path-failed", "hba/hba.iscsi-session-failed", "hba/hba.nvme-fc", "hba/hba.nvme-ana", "hba/hba.sas-degraded",
		"hba/hba.raid", "hba/hba.ports-down", "hba/hba.virtual-fc", "hba/hba.srp", "hba/hba.iscsi-addresses", "hba/hba.sas-two-cables",
		"hba/hba.maps-missing-path", "hba/hba.maps-resize", "hba/hba.nvme-native-resize", "storage/blockstack",
	}
	slow, err := filepath.Glob(testdata + "hba/hba.t2.*.host") // with options for slow reads
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range slow {
		hosts = append(hosts, "hba/"+strings.TrimSuffix(filepath.Base(file), ".host"))
	}
	return hosts
}

// TestEndToEndSAN scrapes recorded hosts with a real Prometheus. Their counters
// move, one host loses a link and one a target port. Each query of the dashboards
// and of the documentation has to find something, and each rule has to be
// evaluated without an error.
func TestEndToEndSAN(t *testing.T) {
	parallelUnlessShort(t)
	prometheus := program(t, "prometheus")
	binary := build(t)
	flags := sanFlags(t, binary)
	hosts := sanHosts(t)
	var trees []*tree
	for _, name := range hosts {
		trees = append(trees, newTree(t, testdata+name+".host"))
	}
	set := func(host, file, value string) {
		replace(t, trees[slices.Index(hosts, host)].root+"/sys/class/"+file, value+"\n")
	}
	set("hosts/san", "fc_host/host6/fabric_name", "0x100050eb1a2b3c00") // of a switch
	set("hosts/san", "fc_host/host6/port_id", "0x051100")
	trees[slices.Index(hosts, "hosts/san")].mountMap(t)
	var targets []string
	for i, x := range trees {
		x.step(t)
		address := freeAddress(t)
		run(t, binary, append([]string{"--web.listen-address=" + address, "--path.procfs=" + x.root + "/proc", "--path.sysfs=" + x.root + "/sys",
			"--path.udev.data=" + x.root + "/run/udev/data", "--path.rootfs=" + x.root}, flags...)...)
		get(t, "http://"+address+"/metrics")
		targets = append(targets, fmt.Sprintf("{targets: [%q], labels: {instance: %q}}", address, filepath.Base(hosts[i])))
	}
	p := scrapeAll(t, prometheus, targets)

	// A rate needs a scrape before and after a step.
	scraped := func(n int) bool {
		r, err := p.query(fmt.Sprintf(`count(count_over_time(up{job="node"}[10m]) >= %d) == %d`, n, len(hosts)))
		return err == nil && r > 0
	}
	if !eventually(time.Minute, func() bool { return scraped(2) }) {
		t.Fatal("not all hosts are scraped")
	}
	set("hba/hba.ports-down", "fc_host/host5/port_state", "Linkdown")
	set("hba/hba.rports", "fc_remote_ports/rport-3:0-1/port_state", "Blocked")
	set("hba/hba.rports", "fc_remote_ports/rport-4:0-1/port_state", "Marginal")
	known, err := mixin.Families(docs)
	if err != nil {
		t.Fatal(err)
	}
	optional := mixin.Optional(known)
	open := sanQueries(t)
	all := len(open)
	eventually(3*time.Minute, func() bool {
		for _, x := range trees {
			x.step(t)
		}
		open = slices.DeleteFunc(open, func(q mixin.Query) bool {
			n, err := p.query(concrete(q.Expr))
			if err != nil {
				t.Errorf("%s: %v\n%s", q.Where, err, q.Expr)
			}
			return n > 0 || err != nil
		})
		return !slices.ContainsFunc(open, func(q mixin.Query) bool { return excuse(optional, q) == "" })
	})
	for _, q := range open {
		if why := excuse(optional, q); why != "" {
			t.Logf("%s finds nothing: %s", q.Where, why)
			continue
		}
		t.Errorf("%s finds nothing:\n%s", q.Where, q.Expr)
	}
	t.Logf("%d of %d queries found something", all-len(open), all)
	p.checkRules(t)
}

// scrapeAll starts a Prometheus that scrapes the targets and has the rules, and those
// of more files.
func scrapeAll(t *testing.T, prometheus string, targets []string, more ...string) prom {
	t.Helper()
	dir, server := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "prometheus.yml")
	rules, err := json.Marshal(append(ruleFiles(t), more...)) // which is YAML, too
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 2s}
rule_files: %s
scrape_configs: [{job_name: node, static_configs: [%s]}]
`, rules, strings.Join(targets, ", ")), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, prometheus, "--config.file="+config, "--web.listen-address="+server, "--storage.tsdb.path="+filepath.Join(dir, "data"))
	get(t, "http://"+server+"/-/ready")
	return prom("http://" + server)
}

// sanFlags returns the flags of an exporter that shows everything, as far as the
// binary has them.
func sanFlags(t *testing.T, binary string) []string {
	t.Helper()
	help, err := exec.Command(binary, "help", "flags").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"--collector.disable-defaults", "--collector.hba", "--collector.fibrechannel", "--collector.dmmultipath", "--collector.blockstack",
		"--collector.diskstats", "--collector.nvme", "--collector.nvmesubsystem", "--collector.hba.statistics-min-interval=0s",
		"--collector.hba.luns=all", "--collector.hba.nvme-pcie", "--collector.hba.max-luns=10"}
	for _, name := range []string{"sfp", "temperature", "sas-phy-errors", "enclosure-status"} {
		if flag := "--collector.hba." + name; regexp.MustCompile(regexp.QuoteMeta("collector.hba."+name) + `\s`).Match(help) {
			flags = append(flags, flag)
		}
	}
	if strings.Contains(string(help), "--collector.hba.multipath-source") {
		flags = append(flags, "--collector.hba.multipath-source=sysfs") // not the kernel of the test's host
	}
	return flags
}

// sanQueries returns the queries of the documentation and of the dashboards.
func sanQueries(t *testing.T) []mixin.Query {
	t.Helper()
	all, err := mixin.Blocks(docs + "hba.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"san-fleet", "san-host"} {
		d, err := mixin.LoadDashboard(docs + "dashboards/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d.Queries()...)
	}
	return all
}

// concrete sets the variables of a query to all hosts, because none has
// everything, and removes the zero that stands for an empty result.
func concrete(expr string) string {
	return strings.NewReplacer("$cluster", ".*", "$job", ".*", "$instance", ".*", "$fc_host", ".*", "$map", ".*",
		"$__rate_interval", "30s", "$__range", "5m", " or vector(0)", "").Replace(expr)
}

// excuse returns why a query need not find anything.
func excuse(optional map[string]string, q mixin.Query) string {
	for _, m := range mixin.Metrics(q.Expr) {
		if why := optional[m]; why != "" {
			return m + " " + why
		}
	}
	return ""
}

// A prom is the address of a Prometheus.
type prom string

// query returns how many series a query finds.
func (p prom) query(expr string) (int, error) {
	var answer struct {
		Error string
		Data  struct{ Result []json.RawMessage }
	}
	err := p.ask("/api/v1/query?query="+url.QueryEscape(expr), &answer)
	if err == nil && answer.Error != "" {
		err = fmt.Errorf("%s", answer.Error)
	}
	return len(answer.Data.Result), err
}

// checkRules checks that each rule was evaluated without an error.
func (p prom) checkRules(t *testing.T) {
	t.Helper()
	type group struct {
		Rules []struct{ Name, Health, LastError string }
	}
	var answer struct{ Data struct{ Groups []group } }
	if !eventually(30*time.Second, func() bool {
		err := p.ask("/api/v1/rules", &answer)
		return err == nil && !slices.ContainsFunc(answer.Data.Groups, func(g group) bool {
			return slices.ContainsFunc(g.Rules, func(r struct{ Name, Health, LastError string }) bool { return r.Health == "unknown" })
		})
	}) {
		t.Error("not all rules are evaluated")
	}
	n := 0
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			n++
			if r.Health != "ok" {
				t.Errorf("%s: %s, %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	want := 0
	for _, file := range ruleFiles(t) {
		rules, err := mixin.Rules(file)
		if err != nil {
			t.Error(err)
		}
		want += len(rules)
	}
	if n != want {
		t.Errorf("%d rules are evaluated, want %d", n, want)
	}
}

func (p prom) ask(path string, into any) error {
	resp, err := http.Get(string(p) + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}

// TestEndToEndSANPage opens the picture of a host that has lost a link in a real
// browser: the page obeys its policy, and a narrow window does not scroll sideways.
func TestEndToEndSANPage(t *testing.T) {
	parallelUnlessShort(t)
	chromium := program(t, "chromium")
	x := newTree(t, testdata+"hba/hba.luns-linkdown.host")
	address := freeAddress(t)
	run(t, build(t), "--web.listen-address="+address, "--path.sysfs="+x.root+"/sys")
	get(t, "http://"+address+"/-/ready")
	page := get(t, "http://"+address+"/san")
	// The browser runs the script of a test in a copy of the page that allows it: it
	// measures the page, and looks for what the picture has links to.
	measured := strings.Replace(page, "</body>", `<script>
const links = [...document.querySelectorAll('svg a')];
document.title = [document.documentElement.scrollWidth <= innerWidth, getComputedStyle(document.querySelector('.san .lost rect')).strokeDasharray, links.length, links.every(a => document.getElementById(a.getAttribute('href').slice(1)))].join(' ');
</script></body>`, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, measured) }))
	defer server.Close()
	if dom, _ := browse(t, chromium, server.URL, "--window-size=390,800"); !strings.Contains(dom, "<title>true 5px, 3px 9 true</title>") {
		t.Errorf("the page at 390 pixels: %s", dom[:strings.Index(dom, "<style>")])
	}
	dom, console := browse(t, chromium, "http://"+address+"/san", "--blink-settings=preferredColorScheme=0")
	for _, want := range []string{"<svg class=\"san\"", "linkdown", "not_present", "1 of 2 paths usable"} {
		if !strings.Contains(dom, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(console, "Content Security Policy") {
		t.Errorf("the page violates its policy:\n%s", console)
	}
}
