package crontab

import "regexp"

// patterns are the regular expressions of an import, which compiles them once.
type patterns struct {
	sleepPercent *regexp.Regexp // a random delay whose percent sign lacks a backslash
	interpreter  *regexp.Regexp // a program that runs another one, or a script
	writers      *regexp.Regexp // programs that write files or run long
	outliving    *regexp.Regexp // programs whose processes are meant to outlive the command
	tilde        *regexp.Regexp // a path in the home directory
	bash         *regexp.Regexp // what only bash can do
	unusable     *regexp.Regexp // what the name of a check cannot have
}

func newPatterns() *patterns {
	return &patterns{
		sleepPercent: regexp.MustCompile(`^(sleep +\$\(\( *RANDOM *)%( *[0-9]+ *\)\))`),
		interpreter:  regexp.MustCompile(`^(sh|bash|dash|ksh|zsh|perl|php|ruby|python|node|env|sudo|flock|timeout|nice|ionice|nohup)[0-9.]*$`),
		writers: regexp.MustCompile(`^(rsync|dd|tar|cpio|zip|7z|gzip|pigz|xz|zstd|cp|mv|rm|scp|sftp|lftp|rclone|restic|borg|borgmatic|duplicity|duplicati|rsnapshot|` +
			`mysqldump|mariadb-dump|mariabackup|xtrabackup|innobackupex|pg_dump|pg_dumpall|pg_basebackup|pgbackrest|mongodump|influxd?|slapcat|xfsdump|` +
			`zfs|zpool|btrfs|btrbk|syncoid|sanoid|lvcreate|mdadm|checkarray|raid-check|fstrim|e2scrub.*|logrotate|updatedb|mandb|certbot|acme\.sh|dehydrated|` +
			`apt|apt-get|aptitude|dnf|yum|zypper|unattended-upgrades?|docker|podman|ansible|ansible-pull|puppet|chef-client|salt-call|git|` +
			`run-parts|anacron|aide|clamscan|freshclam|rkhunter|vacuumdb|reindexdb|mysqlcheck|make|tmpwatch|tmpreaper|savelog|wget)$` +
			`|(?i)(backup|bkp|dump|rsync|snapshot|scrub|rotate|archive|purge|cleanup|renew|upgrade|restore|replicate)`),
		outliving: regexp.MustCompile(`^(nohup|setsid|disown|daemon|daemonize|start-stop-daemon|screen|tmux|at|batch|systemd-run)$`),
		tilde:     regexp.MustCompile(`(^|[ =:])~`),
		bash:      regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*:[0-9]|\$\{[A-Za-z_][A-Za-z0-9_]*(//|\^)|\bRANDOM\b|\[\[ |<\(|<<<|&>|\bpipefail\b|\{[0-9]+\.\.[0-9]|(^|[;&|] *)source `),
		unusable:  regexp.MustCompile(`[^a-zA-Z0-9_-]+`),
	}
}
