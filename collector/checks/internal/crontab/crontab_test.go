package crontab

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// A stanza is a check as a configuration has it.
type stanza struct {
	Command  []string          `yaml:"command"`
	Shell    string            `yaml:"shell"`
	Interval string            `yaml:"interval"`
	At       string            `yaml:"at"`
	User     string            `yaml:"user"`
	Env      map[string]string `yaml:"env"`
	Timeout  string            `yaml:"timeout"`
	Format   string            `yaml:"format"`
	Slow     bool              `yaml:"slow"`

	Memory      string `yaml:"memory"`
	CPU         string `yaml:"cpu"`
	OpenFiles   int    `yaml:"open-files"`
	FileSize    string `yaml:"file-size"`
	StdoutLimit string `yaml:"stdout-limit"`
}

func load(t testing.TB, text []byte) map[string]stanza {
	t.Helper()
	var c struct {
		Checks map[string]stanza `yaml:"checks"`
	}
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c.Checks
}

func importCrontab(t testing.TB, crontab string, o Options) (map[string]stanza, string, Report) {
	t.Helper()
	text, report, err := Import(strings.NewReader(crontab), o)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, text), string(text), report
}

func TestImportUserCrontab(t *testing.T) {
	in, err := os.ReadFile("testdata/user.crontab")
	if err != nil {
		t.Fatal(err)
	}
	lookup := func(path string) (string, bool) {
		return path, path == "/usr/local/bin/check_queue" || path == "/bin/df"
	}
	have, report, err := Import(bytes.NewReader(in), Options{User: "monitor", Lookup: lookup})
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/user.yaml", string(have))
	if report.System || len(report.Checks) != 21 || report.Decisions != 9 || len(report.Invalid) != 3 || report.Invalid[0].Line != 27 {
		t.Errorf("have %+v", report)
	}
	checks := load(t, have)
	if len(checks) != 21 {
		t.Errorf("have %d checks", len(checks))
	}
	if have := checks["rotate"].Command; !slices.Equal(have, []string{"/opt/scripts/rotate", "--size", "10M"}) {
		t.Errorf("have %q", have)
	}
}

// TestImportJobs imports crontabs with jobs that are no measurements, and with all
// ways to write a file for the textfile collector.
func TestImportJobs(t *testing.T) {
	for name, decisions := range map[string]int{"jobs": 8, "writers": 10} {
		in, err := os.ReadFile("testdata/" + name + ".crontab")
		if err != nil {
			t.Fatal(err)
		}
		lookup := func(path string) (string, bool) {
			return path, slices.Contains([]string{"/usr/bin/curl", "/bin/bash", "/usr/bin/tar"}, path)
		}
		have, report, err := Import(bytes.NewReader(in), Options{Lookup: lookup})
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+name+".yaml", string(have))
		if len(report.Checks) != 17 || report.Decisions != decisions || len(report.Invalid) != 0 {
			t.Errorf("%s: have %+v", name, report)
		}
		for check, c := range load(t, have) {
			if c.Memory == "" || c.CPU == "" || c.OpenFiles == 0 || c.FileSize == "" || c.StdoutLimit == "" || c.Timeout == "" {
				t.Errorf("%s: want all limits, have %+v", check, c)
			}
			if job := c.Format == "exit" && check != "check_disk"; c.Slow != job {
				t.Errorf("%s: slow: want %t, have %t", check, job, c.Slow)
			}
		}
	}
}

// TestDecisions imports commands that do not fit a check.
func TestDecisions(t *testing.T) {
	for command, want := range map[string][]string{
		"nohup /opt/watch >/dev/null 2>&1 &":               {`"&" starts`},
		"setsid /opt/watch":                                {"setsid starts"},
		"sudo nice -n 10 rsync -a /a /b":                   {"rsync may write"},
		"mysqldump --all | gzip > /b/db.gz":                {"mysqldump, gzip may write", "/b/db.gz: does anything"},
		"dd if=/dev/sda of=/b/sda":                         {"dd may write"},
		"/opt/a | tee -a /var/log/a.log | grep -c x":       {"goes to a file, /var/log/a.log"},
		"/opt/a ${RANDOM:0:2}":                             {"${RANDOM:0 needs bash"},
		"/opt/a --home=$HOME --user ${USER}":               {"cron sets $HOME", "cron sets $USER"},
		"/usr/local/bin/full-backup.sh":                    {"full-backup.sh may write"},
		"/opt/a --rsync tar":                               nil,
		"/usr/lib/nagios/plugins/check_backup --age 3":     {"check_backup may write"},
		"(/opt/a > /x.prom; /opt/b) > /y && mv /y /z.prom": {"goes to a file, /x.prom"},
	} {
		_, text, report := importCrontab(t, "0 1 * * * "+command, Options{})
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: want %q, have\n%s", command, w, text)
			}
		}
		if want == nil && report.Decisions > 0 {
			t.Errorf("%s: want no decision, have\n%s", command, text)
		}
	}
}

func TestImportSystemCrontab(t *testing.T) {
	checks, text, report := importCrontab(t, `SHELL=/bin/bash
17 *	* * *	root	cd / && run-parts --report /etc/cron.hourly
25 6	* * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
*/5 * * * * www-data /usr/bin/php -f /srv/app/cron.php >/dev/null 2>&1
30 3 * * 0 root test -e /run/systemd/system || SERVICE_MODE=1 /usr/lib/e2scrub_all_cron
`, Options{User: "ignored"})
	if !report.System || len(report.Checks) != 4 || report.Decisions != 3 || len(report.Invalid) != 0 {
		t.Errorf("have %+v\n%s", report, text)
	}
	if c := checks["cron"]; c.User != "www-data" || !slices.Equal(c.Command, []string{"/usr/bin/php", "-f", "/srv/app/cron.php"}) || c.At != "*/5 * * * *" {
		t.Errorf("have %+v\n%s", c, text)
	}
	if c := checks["run-parts"]; c.User != "root" || c.Shell != "cd / && run-parts --report /etc/cron.hourly" || c.At != "17 * * * *" {
		t.Errorf("have %+v\n%s", c, text)
	}
	if !strings.Contains(text, "runs only if /run/systemd/system is missing") || !strings.Contains(text, "a shell check runs in /bin/sh") {
		t.Error(text)
	}
}

func TestVariables(t *testing.T) {
	checks, text, _ := importCrontab(t, `A=1
A = ' 2 '
PATH=$PATH:/opt
* * * * * /x
A=3
MAILTO=""
* * * * * A=4 B=5 /y
`, Options{})
	if e := checks["x"].Env; len(e) != 2 || e["A"] != " 2 " || e["PATH"] != "$PATH:/opt" {
		t.Errorf("have %q\n%s", e, text)
	}
	if e := checks["y"].Env; len(e) != 3 || e["A"] != "4" || e["B"] != "5" {
		t.Errorf("have %q\n%s", e, text)
	}
	if !strings.Contains(text, "expands the $") {
		t.Error(text)
	}
}

func TestImportTooMuch(t *testing.T) {
	if _, _, err := Import(strings.NewReader(strings.Repeat("#\n", maxBytes)), Options{}); err == nil {
		t.Error("have no error")
	}
}

func TestFormatOption(t *testing.T) {
	for _, c := range []struct {
		crontab string
		format  Format
		system  bool
	}{
		{"* * * * * php /srv/a.php", Auto, false},
		{"* * * * * root /srv/a", Auto, true},
		{"* * * * * root /srv/a\n* * * * * /srv/b -x", Auto, false},
		{"* * * * * root /srv/a", User, false},
		{"* * * * * php /srv/a.php", System, true},
		{"", Auto, false},
	} {
		if _, text, report := importCrontab(t, c.crontab, Options{Format: c.format}); report.System != c.system {
			t.Errorf("%q: have %v\n%s", c.crontab, report.System, text)
		}
	}
}

func TestFormatByProgramsAndUsers(t *testing.T) {
	o := Options{
		Lookup: func(path string) (string, bool) {
			return path, path == "/usr/bin/flock" || path == "/bin/man" || path == "/opt/bin/sync"
		},
		IsUser: func(name string) bool { return name == "deploy" || name == "man" || name == "root" },
	}
	for _, c := range []struct {
		crontab string
		system  bool
	}{
		{"* * * * * deploy /srv/a", true},                                 // a user of this host
		{"* * * * * stranger /srv/a", false},                              // neither common nor of this host
		{"* * * * * root flock /l /a", true},                              // the program is not in the user column
		{"* * * * * root /a\n* * * * * flock /l /a", false},               // a program, and no user
		{"* * * * * root /a\n* * * * * sync now", true},                   // not in this PATH: may be a user of another host
		{"PATH=/opt/bin\n* * * * * root /a\n* * * * * sync now", false},   // in this one it is a program
		{"* * * * * root /a\nPATH=/opt/bin\n* * * * * flock /l /a", true}, // and flock is none any more
		{"* * * * * man /usr/bin/mandb", true},                            // both, and a common user
		{"* * * * * stranger /srv/a\n* * * * * deploy /srv/a -x", true},   // one such user is enough
		{"* * * * * deploy /srv/a\n* * * * * /srv/b -x", false},           // a line without a user
	} {
		if _, text, report := importCrontab(t, c.crontab, o); report.System != c.system {
			t.Errorf("%q: have %v\n%s", c.crontab, report.System, text)
		}
	}
}

func TestParseFormat(t *testing.T) {
	for name, want := range map[string]Format{"auto": Auto, "user": User, "system": System} {
		if have, err := ParseFormat(name); have != want || err != nil {
			t.Errorf("%s: have %v, %v", name, have, err)
		}
	}
	if _, err := ParseFormat("System"); err == nil {
		t.Error("want an error for an unknown format")
	}
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		command string
		argv    string // joined with |
		shell   string
		timeout string
		format  string
	}{
		{command: `/a 'b c' "d \"e\"" f\ g ''`, argv: `/a|b c|d "e"|f g|`},
		{command: `/a "$HOME"`, shell: `/a "$HOME"`},
		{command: `/a *.log`, shell: `/a *.log`},
		{command: `/a '*.log'`, argv: `/a|*.log`},
		{command: `/a | /b`, shell: `/a | /b`},
		{command: `/a;/b >/dev/null`, shell: `/a ; /b > /dev/null`},
		{command: `/a &>/dev/null`, argv: `/a`},
		{command: `/a 2>/dev/null </dev/null`, argv: `/a`},
		{command: `/a > /tmp/x`, shell: `/a > /tmp/x`},
		{command: `flock -w 5 /l -c '/a b | /c'`, shell: `/a b | /c`},
		{command: `flock -n /l timeout 1.5h /a`, argv: `/a`, timeout: "1h30m"},
		{command: `flock --strange /l /a`, argv: `flock|--strange|/l|/a`},
		{command: `flock 9`, argv: `flock|9`},
		{command: `timeout 0 /a`, argv: `timeout|0|/a`},
		{command: `/usr/bin/timeout --signal=KILL 1d env A=1 /a`, argv: `/a`, timeout: "24h"},
		{command: `nohup nice /a`, argv: `/a`},
		{command: `nice`, argv: `nice`},
		{command: `test -x /a || exit 0; /a b`, argv: `/a|b`},
		{command: `[ -x /a ] && /a || /b`, shell: `[ -x /a ] && /a || /b`},
		{command: `[ -d /a ] && /a`, shell: `[ -d /a ] && /a`},
		{command: `sleep $((RANDOM \% 60)) && /a`, argv: `/a`},
		{command: `/a >/x.prom.$$ && mv /x.prom.$$ /x.prom`, argv: `/a`, format: "prometheus"},
		{command: `T="$(mktemp /x.XXX)"; /a > "$T"; mv -f "$T" /x.prom`, argv: `/a`, format: "prometheus"},
		{command: `/a >/y && mv /z /x.prom`, shell: `/a > /y && mv /z /x.prom`},
		{command: `/a | grep b | sponge /x.prom`, shell: `/a | grep b`, format: "prometheus"},
		{command: `/a; /b > /x.prom`, shell: `/a ; /b > /x.prom`},
		{command: `flock -n /l /a 2>/dev/null > /x.prom`, argv: `/a`, format: "prometheus"},
		{command: `/a # why`, shell: `/a # why`},
		{command: `''`, shell: `''`},
		{command: `>/dev/null`, shell: `> /dev/null`},
	} {
		checks, text, _ := importCrontab(t, "* * * * * "+c.command, Options{})
		if len(checks) != 1 {
			t.Errorf("%s: have %d checks\n%s", c.command, len(checks), text)
			continue
		}
		for _, have := range checks {
			if c.format == "" {
				c.format = "exit"
			}
			if c.timeout == "" {
				c.timeout = map[string]string{"exit": "12h", "prometheus": "10s"}[c.format]
			}
			if strings.Join(have.Command, "|") != c.argv || have.Shell != c.shell || have.Timeout != c.timeout || have.Format != c.format {
				t.Errorf("%s:\n%s", c.command, text)
			}
		}
	}
}

// FuzzImport checks that the result is YAML, and that each line is a check or a
// comment that quotes it.
func FuzzImport(f *testing.F) {
	golden, err := os.ReadFile("testdata/user.crontab")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(golden))
	for _, s := range []string{"@daily", "* * * * * \"", "* * * * * $(", "* * * * * %", "A=\x00\n* * * * * \x85 \u2028", "* * * * * : - ? {a: b}", "@daily root -", "* * * * * flock -n", "* * * * * a=1", "#\x1b[0m", "* * * * * ${", "=", "* * * * * /true\n* * * * * /no", "0 0 1 1 0 &&0", "* * * * * (a; b) > /x && mv /x /y.prom", "* * * * * a | tee /x.prom >/dev/null"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, crontab string) {
		checks, text, report := importCrontab(t, crontab, Options{Lookup: func(p string) (string, bool) { return p, len(p)%2 == 0 }})
		if len(checks) != len(report.Checks) {
			t.Errorf("have %d checks, %d in the report\n%s", len(checks), len(report.Checks), text)
		}
		for n, line := range strings.Split(strings.ToValidUTF8(crontab, "\uFFFD"), "\n") {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			quoted := strings.Trim(printable("x"+line), `"`)[1:]
			if !strings.Contains(text, quoted) {
				t.Errorf("line %d, %q, is lost:\n%s", n+1, line, text)
			}
		}
		for name, c := range checks {
			if (c.Command == nil) == (c.Shell == "") || (c.Interval == "") == (c.At == "") {
				t.Errorf("%s: have %+v\n%s", name, c, text)
			}
		}
	})
}
