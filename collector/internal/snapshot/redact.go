package snapshot

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Redact replaces what identifies a host, its users and its network: docs/snapshot.md
// lists what. Equal values become equal ones in all files and messages, of the same
// length and form, by a hash with a key that is made for the archive and forgotten.
func Redact(a *Archive) error {
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return err
	}
	redact(a, key[:])
	return nil
}

func redact(a *Archive, key []byte) {
	r := &redactor{tokens: tokens{key}, bigEndian: isBigEndian(a.Setting("arch")), words: map[string]string{}}
	for i := range a.Entries {
		r.learn(&a.Entries[i])
	}
	r.compile(a)
	for i := range a.Entries {
		r.entry(&a.Entries[i])
	}
	for i, s := range a.Settings {
		if strings.HasPrefix(s.Key, "option ") {
			a.Settings[i].Value = r.option(s.Value)
		}
	}
	a.Description = strings.Replace(a.Description, "Not redacted: it has addresses, names and serial numbers.",
		"Redacted: addresses, names and serial numbers are replaced.", 1)
}

func isBigEndian(arch string) bool {
	return slices.Contains([]string{"s390x", "ppc64", "mips", "mips64"}, arch)
}

// A redactor replaces what identifies a host.
type redactor struct {
	tokens
	bigEndian bool
	words     map[string]string   // in lower case, with their replacements in lower case
	byStart   map[string][]string // the words by their first bytes, the longest first
}

// option redacts an option, which may be a regular expression with escaped dots.
func (r *redactor) option(value string) string {
	plain := strings.ReplaceAll(value, `\.`, ".")
	if with := string(r.fields(homeField, []byte(plain), r.user)); with != plain {
		return with
	}
	return value
}

// base returns the last element of an entry's path.
func (e *Entry) base() string { return path.Base(e.Path) }

// isSerial reports whether the whole content of a file is a serial number or a name of
// the owner's.
func isSerial(base string) bool {
	switch base {
	case "serial", "serial_num", "serial_number", "serialnum", "unique_id", "partition_name", "drc_name", "port_loc_code",
		"ifalias", "hostname", "domainname", "system_hostname", "initiatorname", "targetname", "enclosure_identifier":
		return true
	}
	return strings.HasSuffix(base, "_serial") || strings.HasSuffix(base, "_asset_tag")
}

// isHostname reports whether a file holds the name of a host or of a domain.
func isHostname(base string) bool {
	return slices.Contains([]string{"hostname", "domainname", "partition_name", "system_hostname"}, base)
}

// isWWN reports whether a file holds a world wide name.
func isWWN(base string) bool {
	switch base {
	case "port_name", "node_name", "fabric_name", "permanent_port_name", "sas_address", "wwid", "node_guid", "sys_image_guid":
		return true
	}
	return false
}

// hasNoAddress reports whether what looks like an address in a file is none: versions,
// counters, memory addresses, and files that are the same on all hosts.
func hasNoAddress(p string) bool {
	base := path.Base(p)
	switch base {
	case "resource", "os-release", "pci.ids", "version", "modalias", "modeldesc", "firmware_rev", "firmware_revision", "fwrev", "fw_ver", "revision", "rev":
		return true
	}
	return strings.Contains(base, "version") || strings.Contains(p, "/statistics/") || strings.HasPrefix(p, "usr/share/")
}

var (
	udevSecret  = regexp.MustCompile(`(?m)^(E:[A-Z0-9_]*(?:SERIAL|IDENT|LABEL|PART_ENTRY_NAME)[A-Z0-9_]*=)(.+)$`)
	jsonSecret  = regexp.MustCompile(`("(?:serial|uuid|[a-z_]*ww[np]n)" *: *")([^"]*)`)
	ueventField = regexp.MustCompile(`(?m)^([A-Z_]*SERIAL[A-Z_]*=)(.+)$`)
	sfpSerial   = regexp.MustCompile(`(?m)^( *VendorSN *:)(.*)$`)
	symbolic    = regexp.MustCompile(`\b(HN:)([^ ]+)`)
	mountUser   = regexp.MustCompile(`\b(?:username|user|domain|name)=([^,\s]+)`)
	mountSource = regexp.MustCompile(` (?:nfs4?|cifs|smb3|ceph|glusterfs|lustre|beegfs|afs|9p|fuse\.[\w.-]+) `)
	sessionUser = regexp.MustCompile(`("[^"]*" \d+ ")([^"]*)" "[^"]*" "/org/freedesktop/login1/session/`)
	sessionText = regexp.MustCompile(`(login1\.Session\.(?:Name|RemoteHost|RemoteUser|TTY|Display) s ")([^"]*)"`)
	processName = regexp.MustCompile(`^(\d+ \()(.*)\) [A-Za-z] `)
	machineName = regexp.MustCompile(`^(machine-)(.+)(\.scope)$`)
	domainLine  = regexp.MustCompile(`(?m)^((?:search|domain)[ \t]+)(.+)$`)
	nodeLine    = regexp.MustCompile(`(?m)^(nodename|domainname)=(.*)$`)
	homeField   = regexp.MustCompile(`(/home/)([^/\s,:"]+)`)
	t10Serial   = regexp.MustCompile(`(?m)^(t10\.(?:.* )?)(\S+ *)$`)
	nvmeSerial  = regexp.MustCompile(`(?m)^(nvme\.[0-9a-f]{4}-)(.*)$`)
)

// learn notes the words that an entry says are names: they are replaced everywhere.
func (r *redactor) learn(e *Entry) {
	if e.Kind != File {
		return
	}
	text := string(e.Data)
	base := e.base()
	switch {
	case e.Path == "syscall/uname":
		for _, m := range nodeLine.FindAllStringSubmatch(text, -1) {
			r.addHost(m[2])
		}
	case isHostname(base):
		r.addHost(strings.TrimSpace(text))
	case base == "resolv.conf":
		for _, m := range domainLine.FindAllStringSubmatch(text, -1) {
			for domain := range strings.FieldsSeq(m[2]) {
				r.addDomain(domain)
			}
		}
	case base == "symbolic_name":
		for _, m := range symbolic.FindAllStringSubmatch(text, -1) {
			r.addHost(m[2])
		}
	case base == "mountinfo" || base == "mounts" || base == "mountstats":
		r.learnMounts(text)
	case e.Path == "syscall/multipathd":
		for _, m := range jsonSecret.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], `"serial"`) {
				r.addSerial(m[2])
			}
		}
	case e.Path == "syscall/dbus" || e.Path == "syscall/systemd-private":
		whole := strings.ReplaceAll(text, "\n\t", " ")
		for _, m := range sessionUser.FindAllStringSubmatch(whole, -1) {
			r.addUser(m[2])
		}
		for _, m := range sessionText.FindAllStringSubmatch(whole, -1) {
			r.addHost(m[2])
		}
	case strings.HasPrefix(e.Path, "run/udev/data/"):
		for _, m := range udevSecret.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "SERIAL_SHORT") || strings.Contains(m[1], "IDENT_SERIAL") {
				r.addSerial(m[2])
			}
		}
	case isSerial(base) && base != "ifalias" && !strings.Contains(base, "asset"):
		r.addSerial(strings.TrimSpace(text))
	}
}

// learnMounts notes the servers and the users in a mount table.
func (r *redactor) learnMounts(text string) {
	for line := range strings.Lines(text) {
		for _, m := range homeField.FindAllStringSubmatch(line, -1) {
			r.addUser(m[2])
		}
		if !mountSource.MatchString(line) {
			continue
		}
		for _, m := range mountUser.FindAllStringSubmatch(line, -1) {
			r.addUser(m[1])
		}
		source := line
		f := strings.Fields(line)
		if _, after, ok := strings.Cut(line, " - "); ok { // mountinfo: the type and the source
			if g := strings.Fields(after); len(g) > 1 {
				source = g[1]
			}
		} else if len(f) > 1 && f[0] == "device" { // mountstats
			source = f[1]
		} else if len(f) > 0 {
			source = f[0]
		}
		// SERVER:/export, //SERVER/share, USER@HOST:/path, a list of servers.
		before, _, isExport := strings.Cut(source, ":/")
		if rest, ok := strings.CutPrefix(source, "//"); ok {
			isExport = true
			before, _, _ = strings.Cut(rest, "/")
		}
		if !isExport {
			continue
		}
		if user, _, ok := strings.Cut(before, "@"); ok {
			r.addUser(user)
		}
		for _, server := range servers(before) {
			r.addHost(server)
		}
	}
}

// servers returns the names in a list of servers with users and ports.
func servers(list string) (names []string) {
	for server := range strings.SplitSeq(list, ",") {
		server = server[strings.IndexByte(server, '@')+1:]
		if looksLikeAddress(server) {
			continue
		}
		name, _, _ := strings.Cut(server, ":")
		names = append(names, name)
	}
	return names
}

// addHost notes the name of a host, and its first label.
func (r *redactor) addHost(name string) {
	name = r.addDomain(name)
	if first, _, ok := strings.Cut(name, "."); ok {
		r.addWord(first, r.domain(first))
	}
}

// addDomain notes a name of the DNS, and returns it in lower case; "" if it is none.
func (r *redactor) addDomain(name string) string {
	name = strings.ToLower(strings.Trim(name, ".\x00 \n"))
	if name == "(none)" || name == "localhost" || strings.HasPrefix(name, "localhost.") || looksLikeAddress(name) {
		return ""
	}
	r.addWord(name, r.domain(name))
	return name
}

func (r *redactor) addUser(name string) {
	switch strings.ToLower(name) {
	case "root", "admin", "guest", "":
		return
	}
	r.addWord(strings.ToLower(name), r.shape(strings.ToLower(name)))
}

func (r *redactor) addSerial(text string) {
	if isPlaceholder(text) || combined.FindString(text) == text {
		return
	}
	text = strings.ToLower(strings.TrimSpace(text))
	r.addWord(text, r.shape(text))
}

// minWord is the minimum length of a word that is replaced everywhere.
const minWord = 4

func (r *redactor) addWord(word, replacement string) {
	if len(word) >= minWord {
		r.words[word] = replacement
	}
}

// compile makes the expression for the words. A word that is the name of a file or a
// folder of the kernel is not replaced everywhere: that would break the archive.
func (r *redactor) compile(a *Archive) {
	for _, e := range a.Entries {
		if e.Path == "" || strings.HasPrefix(e.Path, "home/") {
			continue
		}
		for elem := range strings.SplitSeq(strings.ToLower(e.Path), "/") {
			delete(r.words, elem)
		}
	}
	r.forgetCommon(a)
	r.byStart = map[string][]string{}
	for word := range r.words {
		r.byStart[word[:minWord]] = append(r.byStart[word[:minWord]], word)
	}
	for _, words := range r.byStart {
		// Of two that begin alike, the longer one is meant.
		slices.SortFunc(words, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	}
}

// word returns the known word that begins at a position, or "".
func (r *redactor) word(b []byte, at int) string {
	if at > 0 && isWordByte(b[at-1]) || len(b)-at < minWord {
		return ""
	}
	for _, word := range r.byStart[strings.ToLower(string(b[at:at+minWord]))] {
		end := at + len(word)
		if end > len(b) || end < len(b) && isWordByte(b[end]) || !strings.EqualFold(string(b[at:end]), word) {
			continue
		}
		isGroup := strings.Trim(word, "0123456789abcdef") == "" && (at > 0 && b[at-1] == ':' || end < len(b) && b[end] == ':')
		if !isGroup { // of an address
			return word
		}
	}
	return ""
}

// commonEntries is the number of entries from which on a word without digits is taken for
// one of the kernel's language, such as the hostname linux.
const commonEntries = 50

// forgetCommon forgets words that many entries have.
func (r *redactor) forgetCommon(a *Archive) {
	for word := range r.words {
		if strings.ContainsAny(word, "0123456789.") {
			continue
		}
		n := 0
		for _, e := range a.Entries {
			if e.Kind == File && bytes.Contains(e.Data, []byte(word)) {
				n++
			}
		}
		if n > commonEntries {
			delete(r.words, word)
		}
	}
}

// entry redacts an entry.
func (r *redactor) entry(e *Entry) {
	p := e.Path
	if rest, ok := strings.CutPrefix(p, netlinkSections); ok {
		if e.Kind == File {
			e.Data = r.netlink(rest, e.Data)
		}
		return
	}
	e.Path = r.path(p)
	switch e.Kind {
	case Link:
		e.Target = r.path(e.Target)
	case Unread:
		e.Data = r.names(e)
	case File:
		e.Data = r.content(p, e.Data)
	}
}

// path redacts the elements of a path.
func (r *redactor) path(p string) string {
	elems := strings.Split(p, "/")
	for i, elem := range elems {
		if m := machineName.FindStringSubmatch(elem); m != nil {
			parts := strings.Split(m[2], `\x2d`) // as systemd writes a dash
			for j, part := range parts {
				parts[j] = r.shape(part)
			}
			elem = m[1] + strings.Join(parts, `\x2d`) + m[3]
		}
		if i > 0 && elems[i-1] == "home" {
			elem = r.shape(elem)
		}
		elems[i] = string(r.text([]byte(elem), true))
	}
	return strings.Join(elems, "/")
}

func (r *redactor) names(e *Entry) []byte {
	var b []byte
	for _, name := range e.Names() {
		if name = r.path(name); quoted(name) != name {
			name = quoted(name)
		}
		b = append(append(b, name...), '\n')
	}
	return b
}

// text replaces addresses, unless there are none, and words.
func (r *redactor) text(b []byte, addresses bool) []byte {
	var out []byte
	last := 0
	rest := func(end int) []byte {
		if addresses {
			return r.addresses(b[last:end])
		}
		return b[last:end]
	}
	for i := 0; len(r.byStart) > 0 && i < len(b); i++ {
		if word := r.word(b, i); word != "" {
			out = append(append(out, rest(i)...), sameCase(r.words[word], string(b[i:i+len(word)]))...)
			last = i + len(word)
			i = last - 1
		}
	}
	return append(out, rest(len(b))...)
}

// fields replaces the second group of each match, and the rest as text does.
func (r *redactor) fields(re *regexp.Regexp, b []byte, fn func(string) string) []byte {
	var out []byte
	last := 0
	for _, m := range re.FindAllSubmatchIndex(b, -1) {
		out = append(append(out, r.text(b[last:m[4]], true)...), fn(string(b[m[4]:m[5]]))...)
		last = m[5]
	}
	return append(out, r.text(b[last:], true)...)
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// content redacts the content of a file.
func (r *redactor) content(p string, b []byte) []byte {
	base := path.Base(p)
	if len(bytes.TrimSpace(b)) == 0 {
		return b
	}
	switch {
	case strings.HasPrefix(p, "usr/share/"):
		return b
	case isWWN(base):
		return r.wwn(b)
	case isSerial(base):
		line := string(b)
		text := strings.TrimRight(line, "\n\x00 ")
		switch {
		case looksLikeAddress(text):
			return r.text(b, true)
		case isHostname(base):
			return []byte(r.hostname(text) + line[len(text):])
		}
		return []byte(r.serial(text) + line[len(text):])
	case base == "sfp":
		return r.eeprom(b)
	case p == "syscall/uname":
		var out []byte
		for line := range bytes.Lines(b) {
			if m := nodeLine.FindSubmatch(line); m != nil {
				line = []byte(string(m[1]) + "=" + r.hostname(string(m[2])) + "\n")
			} else {
				line = r.text(line, false)
			}
			out = append(out, line...)
		}
		return out
	case base == "resolv.conf":
		return r.fields(domainLine, b, func(list string) string {
			var domains []string
			for d := range strings.FieldsSeq(list) {
				domains = append(domains, r.hostname(d))
			}
			return strings.Join(domains, " ")
		})
	case strings.HasPrefix(p, "run/udev/data/"):
		return r.fields(udevSecret, b, r.knownOrSerial)
	case base == "uevent":
		return r.fields(ueventField, b, r.serial)
	case base == "lpfc_xcvr_data":
		return r.fields(sfpSerial, b, r.serial)
	case base == "symbolic_name":
		return r.fields(symbolic, b, r.hostname)
	case p == "syscall/multipathd":
		return r.fields(jsonSecret, b, func(s string) string {
			if looksLikeID(s) {
				return string(r.wwns([]byte(s)))
			}
			return r.knownOrSerial(s)
		})
	case p == "syscall/dbus" || p == "syscall/systemd-private":
		return r.bus(b)
	case strings.HasPrefix(p, "proc/") && base == "stat" && p != "proc/stat":
		return r.fields(processName, b, r.shape)
	case p == "proc/net/ip_vs":
		return r.text(r.hexAddresses(b, true), true)
	case strings.HasPrefix(p, "proc/net/udp"), strings.HasPrefix(p, "proc/net/tcp"):
		return r.hexAddresses(b, r.bigEndian)
	case base == "mountinfo" || base == "mounts" || base == "mountstats":
		return r.text(r.mounts(b), true)
	case p == "syscall/statfs" || p == "syscall/btrfs":
		return r.fields(homeField, b, r.user)
	case strings.HasPrefix(p, ethtoolSections):
		return r.text(b, false)
	}
	return r.text(b, !hasNoAddress(p))
}

// wwn redacts a file that holds a world wide name, or another name of a disk.
func (r *redactor) wwn(b []byte) []byte {
	switch {
	case t10Serial.Match(b):
		return r.fields(t10Serial, b, r.serial)
	case nvmeSerial.Match(b):
		return r.fields(nvmeSerial, b, r.shape)
	case anyID.Match(b):
		return r.wwns(b)
	}
	return r.text(b, true)
}

// bus redacts the replies of services.
func (r *redactor) bus(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("\n\t"), []byte(" "))
	var out []byte
	for line := range bytes.Lines(b) {
		switch {
		case sessionUser.Match(line):
			line = r.fields(sessionUser, line, r.user)
		case sessionText.Match(line):
			line = r.fields(sessionText, line, r.hostname)
		default:
			line = r.text(withoutDescriptions(line), true)
		}
		out = append(out, line...)
	}
	return out
}

// mounts redacts what learnMounts has found, even where it is too short to be replaced
// everywhere.
func (r *redactor) mounts(b []byte) []byte {
	b = homeField.ReplaceAllFunc(b, func(m []byte) []byte {
		return []byte("/home/" + r.user(string(m[len("/home/"):])))
	})
	var out []byte
	for line := range bytes.Lines(b) {
		if mountSource.Match(line) {
			line = mountUser.ReplaceAllFunc(line, func(m []byte) []byte {
				key, value, _ := strings.Cut(string(m), "=")
				return []byte(key + "=" + r.user(value))
			})
			line = shareSource.ReplaceAllFunc(line, func(m []byte) []byte {
				g := shareSource.FindSubmatch(m)
				list := string(g[2])
				if user, _, ok := strings.Cut(list, "@"); ok {
					list = strings.Replace(list, user, r.user(user), 1)
				}
				for _, name := range servers(list) {
					list = strings.Replace(list, name, r.hostname(name), 1)
				}
				return []byte(string(g[1]) + list + string(g[3]))
			})
		}
		out = append(out, line...)
	}
	return out
}

// shareSource is the source of a mount of another host.
var shareSource = regexp.MustCompile(`((?:^|[ ])(?://)?)([^ /]+?)(:/|/)`)

// knownOrSerial replaces what is known of a text, such as the serial number behind the
// model of a disk, and otherwise the whole of it.
func (r *redactor) knownOrSerial(s string) string {
	if with := string(r.text([]byte(s), true)); with != s {
		return with
	}
	return r.serial(s)
}

// serial replaces a serial number, and leaves what firmware says for none.
func (r *redactor) serial(s string) string {
	if isPlaceholder(s) {
		return s
	}
	return sameCase(r.shape(strings.ToLower(s)), s)
}

func (r *redactor) user(s string) string {
	switch strings.ToLower(s) {
	case "root", "admin", "guest", "":
		return s
	}
	return sameCase(r.shape(strings.ToLower(s)), s)
}

func (r *redactor) hostname(s string) string {
	switch s {
	case "", "(none)", "localhost":
		return s
	}
	if looksLikeAddress(s) {
		return string(r.addresses([]byte(s)))
	}
	return sameCase(r.domain(strings.ToLower(s)), s)
}

// isPlaceholder reports whether a serial number is none.
func isPlaceholder(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	switch s {
	case "", "none", "n/a", "na", "unknown", "default string", "not specified", "not available", "system serial number", "to be filled by o.e.m.", "123456789", "0123456789", "chassis serial number", "base board serial number", "no asset tag", "asset tag":
		return true
	}
	return strings.Trim(s, "0x.- ") == ""
}

// withoutDescriptions removes the descriptions of units in the answer of ListUnits:
// operators write them.
func withoutDescriptions(b []byte) []byte {
	var out []byte
	for line := range bytes.Lines(b) {
		head, list, ok := bytes.Cut(line, []byte(" a(ssssssouso) "))
		if !ok {
			out = append(out, line...)
			continue
		}
		all, err := words(string(list))
		if err != nil {
			continue
		}
		for i := 2; i < len(all); i += 10 { // the second of each ten, after their number
			all[i] = `""`
		}
		out = append(out, head...)
		out = append(out, " "...)
		out = append(out, busValue(append([]string{"a(ssssssouso)"}, all...))...)
		out = append(out, '\n')
	}
	return out
}
