package migrate

import (
	"slices"
	"strings"
	"testing"
)

// flags are some of host_exporter's.
func flags(name string) (Flag, bool) {
	f, ok := map[string]Flag{
		"web.listen-address":                        {},
		"web.config.file":                           {},
		"collector.systemd":                         {Switch: true},
		"collector.wifi":                            {Switch: true},
		"collector.systemd.unit-include":            {},
		"collector.systemd.unit-whitelist":          {ReplacedBy: "collector.systemd.unit-include"},
		"collector.diskstats.device-exclude":        {},
		"collector.diskstats.ignored-devices":       {ReplacedBy: "collector.diskstats.device-exclude"},
		"collector.filesystem.mount-points-exclude": {},
		"collector.netdev.device-exclude":           {},
		"collector.netdev.device-include":           {},
		"collector.textfile.directory":              {},
		"collector.ntp":                             {Switch: true, Instead: "use timex"},
		"collector.filesystem.ignored-mount-points": {ReplacedBy: "collector.filesystem.mount-points-exclude"},
	}[name]
	return f, ok
}

func words(args []Argument) []string {
	var list []string
	for _, a := range args {
		list = append(list, a.String())
	}
	return list
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		texts []string
		want  []string
	}{
		// Debian's file says: four backslashes to mean one.
		"debian": {[]string{"# comment\nARGS=\"--collector.diskstats.ignored-devices=^(ram|loop)\\\\\\\\d+$ --no-collector.wifi\"\n"},
			[]string{`--collector.diskstats.ignored-devices=^(ram|loop)\d+$`, "--no-collector.wifi"}},
		"continued": {[]string{"ARGS=\"--collector.systemd \\\n  --web.listen-address=:9101\"\n"},
			[]string{"--collector.systemd", "--web.listen-address=:9101"}},
		"rpm":      {[]string{"NODE_EXPORTER_OPTS='--collector.systemd'\n"}, []string{"--collector.systemd"}},
		"upstream": {[]string{"OPTIONS=\"--collector.textfile.directory /var/lib/node_exporter/textfile_collector\"\n"}, []string{"--collector.textfile.directory", "/var/lib/node_exporter/textfile_collector"}},
		"unit": {[]string{"[Service]\nExecStart=-/usr/local/bin/node_exporter --collector.systemd \\\n  '--collector.filesystem.mount-points-exclude=^/(sys|proc)($$|/)' --x=50%%\n"},
			[]string{"--collector.systemd", "--collector.filesystem.mount-points-exclude=^/(sys|proc)($|/)", "--x=50%"}},
		"unit and environment": {[]string{"[Service]\nExecStart=/usr/bin/prometheus-node-exporter $ARGS\n", "ARGS=\"--collector.systemd\"\n"}, []string{"--collector.systemd"}},
		"unit escapes":         {[]string{"ExecStart=/usr/bin/node_exporter --a=\\d+ --b=\"x y\"\n"}, []string{`--a=\d+`, "--b=x y"}},
		"daemonset": {[]string{`
apiVersion: apps/v1
kind: DaemonSet
spec:
  template:
    spec:
      containers:
        - image: quay.io/prometheus/node-exporter:v1.8.2
          args:
            - --path.procfs=/host/proc
            - --no-collector.wifi
        - image: quay.io/brancz/kube-rbac-proxy:v0.18
          args: [--secure-listen-address=:9100]
`}, []string{"--path.procfs=/host/proc", "--no-collector.wifi"}},
		"shell": {[]string{"docker run -d prom/node-exporter:latest \\\n --path.rootfs=/host '--a=\\d'\n"}, []string{"--path.rootfs=/host", `--a=\d`}},
		"words": {[]string{"--collector.systemd --web.listen-address :9100"}, []string{"--collector.systemd", "--web.listen-address", ":9100"}},
	} {
		var texts [][]byte
		for _, s := range c.texts {
			texts = append(texts, []byte(s))
		}
		s, err := Read(texts...)
		if err != nil || !slices.Equal(s.Args, c.want) {
			t.Errorf("%s: have %q, %v, want %q", name, s.Args, err, c.want)
		}
	}
}

func TestReadFindsNothing(t *testing.T) {
	for _, text := range []string{"", "FOO=bar\n", "kind: Pod\nspec: {containers: [{args: [a]}, {args: [b]}]}\n", "args: [a\n"} {
		if s, err := Read([]byte(text)); err == nil {
			t.Errorf("%q: have %q, want an error", text, s.Args)
		}
	}
	s, err := Read([]byte("ExecStart=/usr/bin/node_exporter $OPTIONS --collector.systemd\n"))
	if err != nil || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "$OPTIONS") {
		t.Errorf("a variable that is not set: have notes %q, %v", s.Notes, err)
	}
}

func TestTranslate(t *testing.T) {
	r := Translate([]string{
		"--collector.systemd.unit-whitelist=(ssh|cron).service", "--no-collector.wifi", "--collector.systemd=false",
		"--web.config=/etc/web.yml", "--collector.diskstats.ignored-devices", `^sr\d$`, "--collector.ntp",
		"--collector.gone.forever=1", "-collectors.enabled=a,b", "--web.listen-address",
	}, nil, flags)
	want := []string{
		"--collector.systemd.unit-include=(ssh|cron).service", "--no-collector.wifi", "--no-collector.systemd",
		"--web.config.file=/etc/web.yml", `--collector.diskstats.device-exclude=^sr\d$`, "--collector.ntp",
	}
	if have := words(r.Arguments); !slices.Equal(have, want) {
		t.Errorf("have %q\nwant %q", have, want)
	}
	for i, notes := range []int{1, 0, 0, 1, 1, 1} {
		if len(r.Arguments[i].Notes) != notes {
			t.Errorf("%s has notes %q, want %d", r.Arguments[i], r.Arguments[i].Notes, notes)
		}
	}
	if have := words(r.Unknown); !slices.Equal(have, []string{"--collector.gone.forever=1", "--collectors.enabled=a,b", "--web.listen-address"}) {
		t.Errorf("unknown: have %q", have)
	}
}

// TestDebianDefaults checks that what Debian's package has built in is added,
// unless the arguments say otherwise.
func TestDebianDefaults(t *testing.T) {
	r := Translate([]string{"--collector.netdev.device-include=^eth", "--collector.textfile.directory=/srv"}, Debian(), flags)
	have := words(r.Arguments)
	if len(have) != 3 || !strings.HasPrefix(have[2], "--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|mnt|media") {
		t.Errorf("have %q", have)
	}
	if !(Source{Variable: "ARGS"}).IsDebian() || (Source{Program: "/usr/local/bin/node_exporter"}).IsDebian() {
		t.Error("Debian's package is not told from others")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("ARGS=\"--a\\\\\\\\d\"\n"))
	f.Add([]byte("ExecStart=/bin/node_exporter $ARGS 'x\n"))
	f.Add([]byte("kind: Pod\nargs: [--a]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := Read(b); err == nil {
			Translate(s.Args, Debian(), flags)
		}
	})
}

// TestEnvironment writes arguments with every character that has a meaning in an
// environment file or in the unit, and reads them again.
func TestEnvironment(t *testing.T) {
	args := []string{`--a=^(ram|loop)\d+$`, `--b="x y"`, "--c='`$HOME` \t'", `--d=\\`, "--e", "--f=#;%"}
	text := Environment("ARGS", args)
	s, err := Read([]byte(text))
	if err != nil || !slices.Equal(s.Args, args) {
		t.Errorf("have %q, %v, want %q; text\n%s", s.Args, err, args, text)
	}
	want := "OPTS=\"\\\n--a=^x\\\\\\\\d\\$ \\\n--b\"\n"
	if have := Environment("OPTS", []string{`--a=^x\d$`, "--b"}); have != want {
		t.Errorf("have %q, want %q", have, want)
	}
}
