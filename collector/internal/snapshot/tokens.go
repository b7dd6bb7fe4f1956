package snapshot

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// tokens makes replacements by a keyed hash: equal values have equal ones.
type tokens struct{ key []byte }

// stream returns n bytes that depend on the kind of a value and the value.
func (t tokens) stream(kind, value string, n int) []byte {
	var b []byte
	for i := 0; len(b) < n; i++ {
		h := hmac.New(sha256.New, t.key)
		fmt.Fprintf(h, "%s\x00%d\x00%s", kind, i, value)
		b = h.Sum(b)
	}
	return b[:n]
}

// shape replaces letters by letters and digits by digits. A text of hexadecimal digits
// stays one.
func (t tokens) shape(s string) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	alphabet := letters
	if len(s) >= 8 && strings.Trim(s, "0123456789abcdef-:. ") == "" {
		alphabet = letters[:6]
	}
	stream := t.stream("text", s, len(s))
	b := []byte(s)
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			b[i] = '0' + stream[i]%10
		case c >= 'a' && c <= 'z' || c >= 0x80:
			b[i] = alphabet[int(stream[i])%len(alphabet)]
		case c >= 'A' && c <= 'Z':
			b[i] = alphabet[int(stream[i])%len(alphabet)] - 'a' + 'A'
		}
	}
	return string(b)
}

// domain replaces the labels of a name but for the last of several.
func (t tokens) domain(name string) string {
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if i == 0 || i < len(labels)-1 {
			labels[i] = t.shape(label)
		}
	}
	return strings.Join(labels, ".")
}

// sameCase returns a replacement with upper case letters where the text has them.
func sameCase(replacement, text string) string {
	if len(replacement) != len(text) {
		return replacement
	}
	b := []byte(replacement)
	for i := range b {
		if text[i] >= 'A' && text[i] <= 'Z' && b[i] >= 'a' && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}

// mac replaces a hardware address. Zeros, groups and broadcast stay, and the bit for
// addresses that are made up.
func (t tokens) mac(old [6]byte) [6]byte {
	if old == [6]byte{} || old[0]&1 != 0 {
		return old
	}
	b := [6]byte(t.stream("mac", string(old[:]), 6))
	b[0] = b[0]&^3 | old[0]&3
	return b
}

// ipv4 replaces an address. Those that are the same on all hosts stay, the network of
// private ones stays, and so does the number of digits of each part.
func (t tokens) ipv4(old [4]byte) [4]byte {
	a := netip.AddrFrom4(old)
	if a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || old[0] >= 224 || old[0] == 0 || isMask(old) {
		return old
	}
	b := [4]byte(t.stream("ipv4", string(old[:]), 4))
	for i := range b {
		switch {
		case old[i] < 10:
			b[i] %= 10
		case old[i] < 100:
			b[i] = 10 + b[i]%90
		default:
			b[i] = 100 + b[i]%100 // at most 199
		}
	}
	switch {
	case old[0] == 10:
		b[0] = 10
	case old[0] == 172 && old[1]&0xf0 == 16:
		b[0], b[1] = 172, 16+b[1]%16
	case old[0] == 192 && old[1] == 168, old[0] == 169 && old[1] == 254:
		b[0], b[1] = old[0], old[1]
	case b[0] == 10 || b[0] == 127 || b[0] == 0:
		b[0]++
	}
	return b
}

// isMask reports whether an address is a network mask.
func isMask(b [4]byte) bool {
	v := ^binary.BigEndian.Uint32(b[:])
	return b[0] == 255 && v&(v+1) == 0
}

// ipv6 replaces an address. Loopback, groups and the prefix of link-local ones stay, and
// so does the number of digits of each group.
func (t tokens) ipv6(old [16]byte) [16]byte {
	a := netip.AddrFrom16(old)
	switch {
	case a.Is4In6():
		v4 := t.ipv4([4]byte(old[12:]))
		copy(old[12:], v4[:])
		return old
	case a.IsLoopback(), a.IsUnspecified(), a.IsMulticast():
		return old
	}
	b := [16]byte(t.stream("ipv6", string(old[:]), 16))
	for i := 0; i < 16; i += 2 {
		was, is := binary.BigEndian.Uint16(old[i:]), binary.BigEndian.Uint16(b[i:])
		switch {
		case was == 0:
			is = 0
		case was < 0x10:
			is = 1 + is%0xf
		case was < 0x100:
			is = 0x10 + is%0xf0
		case was < 0x1000:
			is = 0x100 + is%0xf00
		default:
			is = 0x1000 + is%0xf000
		}
		binary.BigEndian.PutUint16(b[i:], is)
	}
	keep := 1 // bytes: 20, 2a, fd and so on
	if a.IsLinkLocalUnicast() {
		keep = 8
		if old[11] == 0xff && old[12] == 0xfe { // made of a hardware address
			m := t.mac([6]byte{old[8] ^ 2, old[9], old[10], old[13], old[14], old[15]})
			copy(b[8:], []byte{m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]})
		}
	}
	copy(b[:keep], old[:keep])
	return b
}

// id replaces the hexadecimal digits of a world wide name, an UUID or a longer number. It
// keeps the case of letters, what says of which kind the number is, and who made it.
func (t tokens) id(s string) string {
	low := strings.ToLower(s)
	if strings.Trim(low, "0") == "" || strings.Trim(low, "f") == "" {
		return s
	}
	const digits = "0123456789abcdef"
	b := []byte(low)
	for i, c := range t.stream("id", low, len(b)) {
		b[i] = digits[c%16]
	}
	keep := 0
	switch {
	case len(low) == 16 && (low[0] == '1' || low[0] == '2'):
		keep = 10
	case len(low) == 16, len(low) == 32 && low[0] == '6':
		keep = 7
	}
	if len(low) == 32 { // the version and the variant of an UUID
		b[12], b[16] = low[12], low[16]
	}
	copy(b, low[:keep])
	return sameCase(string(b), s)
}

// combined matches what may be an address or an identifier; replaced decides.
var combined = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}`, // UUID
	`(?:iqn|nqn)\.[0-9]{4}-[0-9]{2}\.[a-z0-9_.:-]+`,
	`[a-z0-9]{6}(?:-[a-z0-9]{4}){5}-[a-z0-9]{6}`, // LVM
	`LVM-[a-z0-9]{32,64}`,
	`enx[0-9a-f]{12}`, // an interface by its hardware address
	`[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,19}(?:\.[0-9]{1,3}){0,3}`, // MAC, world wide name, IPv6
	`[0-9a-f]{2}(?:-[0-9a-f]{2}){5,7}`,                           // the same with dashes
	`[0-9]{1,3}(?:\.[0-9]{1,3}){3,}`,                             // IPv4
	`(?:0x|naa\.|eui\.|uuid\.)?[0-9a-f]{16,}`,                    // world wide names, and longer numbers
}, "|"))

// looksLikeAddress reports whether a text is an address or an identifier as a whole.
func looksLikeAddress(s string) bool { return s != "" && combined.FindString(s) == s }

var plainID = regexp.MustCompile(`^(?i:0x|naa\.|eui\.)?3?[0-9a-fA-F]{16,}$`)

// looksLikeID reports whether a text is a world wide name.
func looksLikeID(s string) bool { return plainID.MatchString(s) }

// replaceAll replaces the matches of an expression, by what fn returns for each and for
// the bytes before and after it.
func replaceAll(re *regexp.Regexp, b []byte, fn func(m string, before, after byte) string) []byte {
	var out []byte
	last := 0
	for _, m := range re.FindAllIndex(b, -1) {
		before, after := byte(' '), byte(' ')
		if m[0] > 0 {
			before = b[m[0]-1]
		}
		if m[1] < len(b) {
			after = b[m[1]]
		}
		s := string(b[m[0]:m[1]])
		if with := fn(s, before, after); with != s {
			out = append(append(out, b[last:m[0]]...), with...)
			last = m[1]
		}
	}
	if last == 0 {
		return b
	}
	return append(out, b[last:]...)
}

// addresses replaces all addresses and identifiers in a text.
func (t tokens) addresses(b []byte) []byte {
	if !mayHaveAddress(b) {
		return b
	}
	return replaceAll(combined, b, t.replaced)
}

// mayHaveAddress reports whether combined may match: most files have a number, and the
// expression takes long.
func mayHaveAddress(b []byte) bool {
	const shortest = 12 // hexadecimal digits of an address without separators
	colons, dots, dashes, run := 0, 0, 0, 0
	for _, c := range b {
		switch {
		case c == ':':
			colons++
		case c == '.':
			dots++
		case c == '-', c == '_':
			dashes++
		}
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
			run++
		} else {
			run = 0
		}
		if colons > 1 || dots > 1 || dashes > 3 || run >= shortest {
			return true
		}
	}
	return len(b) > 32 && bytes.Contains(bytes.ToUpper(b), []byte("LVM-"))
}

// replaced returns the replacement of a match of combined between two bytes.
func (t tokens) replaced(s string, before, after byte) string {
	low := strings.ToLower(s)
	switch {
	case strings.HasPrefix(low, "iqn.") || strings.HasPrefix(low, "nqn."):
		if low == "nqn.2014-08.org.nvmexpress.discovery" {
			return s
		}
		return s[:12] + t.qualified(s[12:])
	case strings.HasPrefix(low, "lvm-"):
		return s[:4] + t.shape(s[4:])
	case len(s) == 15 && strings.HasPrefix(low, "enx"):
		var m [6]byte
		_, _ = hex.Decode(m[:], []byte(low[3:]))
		m = t.mac(m)
		return s[:3] + hex.EncodeToString(m[:])
	case isUUID(s):
		return spread(t.id(withoutAny(s, "-_")), s, "-_")
	case len(s) == 38 && s[6] == '-':
		return t.shape(s)
	case strings.Contains(s, ":"):
		return t.colons(s, before, after)
	case strings.Contains(s, "-"):
		return t.pairs(s, "-")
	case strings.Contains(s, ".") && low[0] != 'n' && low[0] != 'e' && low[0] != 'u':
		if isWordByte(after) || before == '.' || before == 'v' || before == 'V' || isWordByte(before) && before >= '0' && before <= '9' {
			return s
		}
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			return s
		}
		return netip.AddrFrom4(t.ipv4(a.As4())).String()
	}
	if isWordByte(before) || isWordByte(after) {
		return s
	}
	return t.digits(s, false)
}

// qualified replaces the labels of a name that begins with a reversed domain: its first
// one, such as com, stays, and so do the parts that are addresses.
func (t tokens) qualified(s string) string {
	i := strings.IndexAny(s, ".:")
	if i < 0 {
		return t.shape(s)
	}
	if rest, ok := strings.CutPrefix(strings.ToLower(s), "org.nvmexpress:uuid:"); ok && isUUID(rest) {
		return s[:20] + t.replaced(s[20:], ' ', ' ')
	}
	b := []byte(s[:i])
	for rest := s[i:]; rest != ""; {
		j := strings.IndexAny(rest[1:], ".:") + 1
		if j == 0 {
			j = len(rest)
		}
		b = append(append(b, rest[0]), sameCase(t.shape(strings.ToLower(rest[1:j])), rest[1:j])...)
		rest = rest[j:]
	}
	return string(b)
}

func isUUID(s string) bool {
	return len(s) == 36 && len(withoutAny(s, "-_")) == 32 && (s[8] == '-' || s[8] == '_')
}

func withoutAny(s, chars string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(chars, c) {
			return -1
		}
		return c
	}, s)
}

// spread puts digits where a text has those that are not separators.
func spread(digits, text, separators string) string {
	b := []byte(text)
	n := 0
	for i, c := range b {
		if !strings.ContainsRune(separators, rune(c)) {
			b[i] = digits[n]
			n++
		}
	}
	return string(b)
}

// colons replaces hardware addresses, world wide names and IPv6 addresses.
func (t tokens) colons(s string, before, after byte) string {
	if isWordByte(before) || isWordByte(after) {
		return s
	}
	end := strings.TrimRight(s, ":") // as in a list of addresses and names
	if strings.HasSuffix(s, "::") {
		end = s
	}
	groups := strings.Split(end, ":")
	size := len(groups[0])
	same := !slices.ContainsFunc(groups, func(g string) bool { return len(g) != size })
	switch {
	case same && size == 2 && (len(groups) == 6 || len(groups) == 8 || len(groups) == 20):
		return t.pairs(end, ":") + s[len(end):]
	case same && size == 4 && len(groups) == 4 && strings.ContainsAny(strings.ToLower(end), "abcdef"): // a GUID
		return spread(t.id(withoutAny(end, ":")), end, ":") + s[len(end):]
	}
	a, err := netip.ParseAddr(end)
	if err != nil || !a.Is6() {
		return s
	}
	new := t.ipv6(a.As16())
	if same && size == 4 { // as the kernel writes GIDs
		return spread(hex.EncodeToString(new[:]), end, ":") + s[len(end):]
	}
	return netip.AddrFrom16(new).String() + s[len(end):]
}

// pairs replaces 6, 8 or 20 bytes of two digits each.
func (t tokens) pairs(s, separator string) string {
	digits := withoutAny(s, separator)
	b, err := hex.DecodeString(digits)
	switch {
	case err != nil:
		return s
	case len(b) == 6:
		m := t.mac([6]byte(b))
		return sameCase(spread(hex.EncodeToString(m[:]), s, separator), s)
	case len(b) == 20: // of InfiniBand: the last eight are the GUID
		return spread(digits[:24]+t.id(digits[24:]), s, separator)
	}
	return spread(t.id(digits), s, separator)
}

// digits replaces a world wide name or a longer number of hexadecimal digits. Unless it is
// known to be one, what may be a counter stays: decimal numbers, and those with zeros or
// fs in front.
func (t tokens) digits(s string, isID bool) string {
	prefix := ""
	low := strings.ToLower(s)
	for _, p := range []string{"0x", "naa.", "eui.", "uuid."} {
		if strings.HasPrefix(low, p) {
			prefix, s, low = s[:len(p)], s[len(p):], low[len(p):]
		}
	}
	isName := len(prefix) > 2
	isNumber := strings.Trim(low, "0123456789") == ""
	isNAA := len(low) == 16 && strings.ContainsRune("1256c", rune(low[0])) || len(low) == 32 && low[0] == '6'
	switch {
	case isID, isName:
	case strings.HasPrefix(low, "000"), strings.HasPrefix(low, "fff"):
		return prefix + s
	case isNumber && !(prefix != "" && isNAA) && !(len(low) == 33 || len(low) == 17 && low[0] == '3'):
		return prefix + s
	}
	switch len(low) {
	case 17, 33: // a name as scsi_id writes it, with its type before it
		return prefix + s[:1] + t.id(s[1:])
	}
	return prefix + t.id(s)
}

var anyID = regexp.MustCompile(`(?i)(?:0x|naa\.|eui\.)?[0-9a-f]{16,}`)

// wwns replaces world wide names in a file that holds one.
func (t tokens) wwns(b []byte) []byte {
	return replaceAll(anyID, b, func(s string, before, after byte) string {
		if isWordByte(before) || isWordByte(after) {
			return s
		}
		return t.digits(s, true)
	})
}

var hexAddress = regexp.MustCompile(`\b([0-9A-F]{32}|[0-9A-F]{8}):([0-9A-F]{4})\b`)

// hexAddresses replaces addresses with ports, in words of the host's byte order.
func (t tokens) hexAddresses(b []byte, bigEndian bool) []byte {
	return hexAddress.ReplaceAllFunc(b, func(m []byte) []byte {
		digits, port, _ := bytes.Cut(m, []byte(":"))
		a := make([]byte, len(digits)/2)
		if _, err := hex.Decode(a, digits); err != nil {
			return m
		}
		swap := func() {
			for i := 0; !bigEndian && i < len(a); i += 4 {
				slices.Reverse(a[i : i+4])
			}
		}
		swap()
		if len(a) == 4 {
			v := t.ipv4([4]byte(a))
			copy(a, v[:])
		} else {
			v := t.ipv6([16]byte(a))
			copy(a, v[:])
		}
		swap()
		return []byte(strings.ToUpper(hex.EncodeToString(a)) + ":" + string(port))
	})
}

// eeprom replaces the serial number of a transceiver, and the checksum over it. See
// SFF-8472 and SFF-8636.
func (t tokens) eeprom(b []byte) []byte {
	b = bytes.Clone(b)
	at := 0
	if len(b) > 0 && slices.Contains([]byte{0x0c, 0x0d, 0x11, 0x18, 0x1e}, b[0]) {
		at = 128
	}
	if len(b) < at+96 {
		return b
	}
	sum := func() (s byte) {
		for _, c := range b[at+64 : at+95] {
			s += c
		}
		return s
	}
	valid := sum() == b[at+95]
	copy(b[at+68:at+84], t.shape(string(b[at+68:at+84])))
	if valid {
		b[at+95] = sum()
	}
	return b
}
