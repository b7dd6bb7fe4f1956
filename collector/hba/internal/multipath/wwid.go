package multipath

import "strings"

// A wwid is a world wide identifier of a LUN, in a form in which that of a map
// and those of its paths can be compared.
type wwid struct {
	kind  wwidKind
	value string
}

// A wwidKind says what assigned an identifier. A LUN can have one of each kind:
// only those of one kind can differ.
type wwidKind uint8

const (
	otherWWID wwidKind = iota // a text that is only known to be equal to itself
	naa
	eui
	t10
	uuid
	nvmeText // an NVMe namespace without any of the others: vendor, serial, model, number
)

// parseWWID parses the identifier that a map is named for, or that a device has:
//
//	36001405ab12cd340000000000000001 and naa.6001405ab12cd340000000000000001
//	20025385b71b00a1c                and eui.0025385b71b00a1c
//	1LIO-ORG_disk0                   and t10.LIO-ORG disk0
//	uuid.6c8d1d6e-...                for both, as nvme. and eui. of NVMe
//
// The former is a digit for the type of a designator (SPC-4, 7.8.6) and the
// designator, as scsi_id of udev prints it, the latter is from sysfs. A map is
// named 0x6001405... where multipath is configured with ID_WWN of udev.
func parseWWID(s string) wwid {
	if prefix, rest, ok := strings.Cut(s, "."); ok {
		switch prefix {
		case "naa":
			return wwid{naa, strings.ToLower(rest)}
		case "eui":
			return wwid{eui, strings.ToLower(rest)}
		case "t10":
			return wwid{t10, joinWords(rest)}
		case "uuid":
			return wwid{uuid, strings.ToLower(rest)}
		case "nvme":
			return wwid{nvmeText, rest}
		}
	}
	if hex, ok := strings.CutPrefix(s, "0x"); ok && isDesignator(hex, 16, 32) {
		return wwid{naa, strings.ToLower(hex)}
	}
	if s == "" {
		return wwid{}
	}
	switch rest := s[1:]; {
	case s[0] == '3' && isDesignator(rest, 16, 32):
		return wwid{naa, strings.ToLower(rest)}
	case s[0] == '2' && isDesignator(rest, 16, 24, 32):
		return wwid{eui, strings.ToLower(rest)}
	case s[0] == '1' && rest != "":
		return wwid{t10, joinWords(rest)}
	}
	return wwid{otherWWID, s}
}

// isDesignator reports whether s is one of some numbers of hexadecimal digits.
func isDesignator(s string, lengths ...int) bool {
	for _, length := range lengths {
		if len(s) == length {
			return strings.Trim(s, "0123456789abcdefABCDEF") == ""
		}
	}
	return false
}

// joinWords returns a text as udev writes it: with one underscore for each run of
// spaces, and none at the end.
func joinWords(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '_' }), "_")
}

// equals reports whether two identifiers are of one LUN. It reports false for
// comparable where that cannot be said: they are of two kinds, or of one kind and
// written in different ways.
func (w wwid) equals(other wwid) (equal, comparable bool) {
	switch {
	case w == other:
		return w.value != "", w.value != ""
	case w.kind != other.kind || len(w.value) != len(other.value):
		return false, false
	}
	return false, w.kind == naa || w.kind == eui || w.kind == uuid
}
