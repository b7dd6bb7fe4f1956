package crontab

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/yamltext"
)

// isMeasurement reports whether the command prints metrics, or is a monitoring plugin.
// All others are jobs, which cron let run as long as they wanted.
func (c *check) isMeasurement() bool {
	return c.format == "prometheus" || regexp.MustCompile(`^check[_-]`).MatchString(programName(c.tokens))
}

// jobTimeout is the timeout of a job, which cron did not limit.
const jobTimeout = 12 * time.Hour

// writeLimits writes each limit of a check. Cron has none.
func (c *check) writeLimits(b *strings.Builder) {
	timeout, reason := c.timeout, "from the crontab"
	memory, files, fileSize, stdout := "128MiB", 256, "16MiB", "256KiB"
	switch job := !c.isMeasurement(); {
	case job:
		memory, files, fileSize, stdout = "4GiB", 1024, "1024GiB", "16MiB"
		if b.WriteString("    slow: true\n"); timeout == 0 {
			timeout, reason = jobTimeout, "cron has none: how long may it take?"
		}
	case timeout == 0:
		timeout, reason = 10*time.Second, "cron has none: how long may it take?"
	}
	fmt.Fprintf(b, "    timeout: %s # %s\n", yamltext.Duration(timeout), reason)
	fmt.Fprintf(b, "    memory: %s # cron has none of these limits: how much may it use?\n", memory)
	fmt.Fprintf(b, "    cpu: %s\n", yamltext.Duration(max(2*timeout, time.Second)))
	fmt.Fprintf(b, "    open-files: %d\n", files)
	fmt.Fprintf(b, "    file-size: %s\n", fileSize)
	fmt.Fprintf(b, "    stdout-limit: %s\n", stdout)
}

// Programs that write files or run long, and those whose processes are meant to
// outlive the command.
func writers() *regexp.Regexp {
	return regexp.MustCompile(`^(rsync|dd|tar|cpio|zip|7z|gzip|pigz|xz|zstd|cp|mv|rm|scp|sftp|lftp|rclone|restic|borg|borgmatic|duplicity|duplicati|rsnapshot|` +
		`mysqldump|mariadb-dump|mariabackup|xtrabackup|innobackupex|pg_dump|pg_dumpall|pg_basebackup|pgbackrest|mongodump|influxd?|slapcat|xfsdump|` +
		`zfs|zpool|btrfs|btrbk|syncoid|sanoid|lvcreate|mdadm|checkarray|raid-check|fstrim|e2scrub.*|logrotate|updatedb|mandb|certbot|acme\.sh|dehydrated|` +
		`apt|apt-get|aptitude|dnf|yum|zypper|unattended-upgrades?|docker|podman|ansible|ansible-pull|puppet|chef-client|salt-call|git|` +
		`run-parts|anacron|aide|clamscan|freshclam|rkhunter|vacuumdb|reindexdb|mysqlcheck|make|tmpwatch|tmpreaper|savelog|wget)$` +
		`|(?i)(backup|bkp|dump|rsync|snapshot|scrub|rotate|archive|purge|cleanup|renew|upgrade|restore|replicate)`)
}

func outliving() *regexp.Regexp {
	return regexp.MustCompile(`^(nohup|setsid|disown|daemon|daemonize|start-stop-daemon|screen|tmux|at|batch|systemd-run)$`)
}

// remarkJobs adds a decision if the command writes files, runs long, or starts what is
// meant to outlive it.
func (c *check) remarkJobs() {
	var longLived string
	if slices.ContainsFunc(c.tokens, func(t token) bool { return t.isOperator("&") }) {
		longLived = `"&"`
	}
	writes, outlives := writers(), outliving()
	var names []string
	for _, i := range programs(c.tokens) {
		switch name := path.Base(c.tokens[i].text); {
		case outlives.MatchString(name) && longLived == "":
			longLived = name
		case writes.MatchString(name), name == "find" && slices.ContainsFunc(c.tokens[i:], func(t token) bool { return t.text == "-delete" || t.text == "-exec" }):
			names = append(names, name)
		}
	}
	if longLived != "" {
		c.addDecision("%s starts a process that outlives the command, and a check ends all its processes: should it be a service?", longLived)
	}
	if names = slices.Compact(names); len(names) > 0 {
		c.addDecision("%s may write files and run long, and a check is ended at its limits: should it stay in cron or be a timer?", strings.Join(names, ", "))
	}
	if files := writtenFiles(c.tokens); len(files) > 0 {
		c.addDecision("the output goes to a file, %s: does anything read it?", strings.Join(files, ", "))
	}
}

// programs returns the indices of the words that name a program: the first of each
// command, and also what follows a program that only starts another one.
func programs(t []token) (at []int) {
	starters := map[string]bool{}
	for name := range strings.FieldsSeq("sudo doas nohup setsid time nice ionice env chronic cronic exec command flock timeout") {
		starters[name] = true
	}
	number := regexp.MustCompile(`^[0-9.]+[smhd]?$`)
	first, starter, skip := true, "", false
	for i, w := range t {
		name := path.Base(w.text)
		switch {
		case w.operator:
			if skip = strings.ContainsAny(w.text, "<>") && !strings.Contains(w.text, ">&"); !skip {
				first, starter = true, ""
			}
		case skip:
			skip = false
		case !first:
		case starters[name]:
			at = append(at, i)
			starter = name
		case starter != "" && strings.HasPrefix(w.text, "-"):
			skip = starter == "sudo" && (w.text == "-u" || w.text == "-g") || starter == "timeout" && (w.text == "-s" || w.text == "-k")
		case starter == "flock":
			starter = "locked" // the name of the lock
		case starter != "" && number.MatchString(w.text), w.raw == "{", w.raw == "if", w.raw == "then", w.raw == "else", w.raw == "do", w.raw == "while", w.raw == "!":
		default:
			if _, _, assigns := assignment(w); !assigns {
				at = append(at, i)
				first = false
			}
		}
	}
	return at
}

// writtenFiles returns the files that redirections and tee write.
func writtenFiles(t []token) (files []string) {
	for i, op := range t {
		if op.operator && strings.Contains(op.text, ">") && !strings.Contains(op.text, ">&") && i+1 < len(t) && !t[i+1].operator && t[i+1].raw != "/dev/null" {
			files = append(files, t[i+1].raw)
		}
	}
	for _, i := range programs(t) {
		if path.Base(t[i].text) != "tee" {
			continue
		}
		for _, f := range t[i+1:] {
			if f.operator {
				break
			}
			if !strings.HasPrefix(f.text, "-") {
				files = append(files, f.raw)
			}
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// remarkShell adds decisions about what a check has not, or only another shell can do.
func (c *check) remarkShell(command string, env []variable) {
	set := func(name string) bool {
		return slices.ContainsFunc(env, func(v variable) bool { return v.name == name })
	}
	for _, name := range []string{"HOME", "LOGNAME", "USER", "SHELL", "MAILTO"} {
		if regexp.MustCompile(`\$(`+name+`\b|\{`+name+`\b)`).MatchString(command) && !set(name) {
			c.addDecision("cron sets $%s, a check does not: write its value, or set it with env", name)
		}
	}
	if regexp.MustCompile(`(^|[ =:])~`).MatchString(command) && !set("HOME") {
		c.addDecision("~ needs HOME, which a check does not have: write the path, or set HOME with env")
	}
	if c.shell == "" {
		return
	}
	if found := regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*:[0-9]|\$\{[A-Za-z_][A-Za-z0-9_]*(//|\^)|\bRANDOM\b|\[\[ |<\(|<<<|&>|\bpipefail\b|\{[0-9]+\.\.[0-9]|(^|[;&|] *)source `).FindString(c.shell); found != "" {
		c.addDecision("%s needs bash, and a shell check runs in /bin/sh: use command: [/bin/bash, -c, ...]", strings.TrimSpace(found))
	}
}
