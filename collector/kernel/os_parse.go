package kernel

import (
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// An osRelease has the exported variables of an os-release file. A variable that
// the file does not set is empty.
type osRelease struct {
	buildID, id, idLike, imageID, imageVersion, name, prettyName string
	variant, variantID, version, versionCodename, versionID      string
	supportEnd                                                   time.Time

	variables int // number of assignments, also of variables that are not exported
}

// parseOSRelease parses assignments of shell variables, of which the last one
// of a name wins. It skips malformed lines and returns their errors.
func parseOSRelease(b []byte) (r osRelease, errs []error) {
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		line = scan.Trim(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, quoted, ok := scan.Cut(line, '=')
		if !ok || !isVariableName(key) {
			errs = append(errs, host.Bad(n, "an assignment", line))
			continue
		}
		r.variables++
		field, end := r.field(key), string(key) == "SUPPORT_END"
		if field == nil && !end {
			continue
		}
		value, ok := unquote(quoted)
		if !ok {
			errs = append(errs, host.Bad(n, "a closing quote", line))
			continue
		}
		if field != nil {
			*field = value
		} else if r.supportEnd, ok = parseDate(value); !ok {
			errs = append(errs, host.Bad(n, "a date such as 2030-06-30", line))
		}
	}
	return r, errs
}

// field returns the field of a variable, or nil if it is not a label.
func (r *osRelease) field(key []byte) *string {
	switch string(key) {
	case "BUILD_ID":
		return &r.buildID
	case "ID":
		return &r.id
	case "ID_LIKE":
		return &r.idLike
	case "IMAGE_ID":
		return &r.imageID
	case "IMAGE_VERSION":
		return &r.imageVersion
	case "NAME":
		return &r.name
	case "PRETTY_NAME":
		return &r.prettyName
	case "VARIANT":
		return &r.variant
	case "VARIANT_ID":
		return &r.variantID
	case "VERSION":
		return &r.version
	case "VERSION_CODENAME":
		return &r.versionCodename
	case "VERSION_ID":
		return &r.versionID
	}
	return nil
}

// isVariableName reports whether b is a valid name of a shell variable.
func isVariableName(b []byte) bool {
	for i, c := range b {
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_'
		if digit := c >= '0' && c <= '9'; !letter && (!digit || i == 0) {
			return false
		}
	}
	return len(b) > 0
}

// unquote removes the quotes and backslashes of a value as a shell does: between
// double quotes a backslash escapes only special characters, and between single
// quotes none. It reports false for an unterminated quote or escape.
func unquote(b []byte) (string, bool) {
	var quote byte
	value := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != '\'' && c == '\\':
			if i++; i == len(b) {
				return "", false
			}
			if quote == '"' && !strings.ContainsRune("\"\\$`", rune(b[i])) {
				value = append(value, '\\')
			}
			value = append(value, b[i])
		default:
			value = append(value, c)
		}
	}
	return string(value), quote == 0
}

// parseDate parses a day such as 2030-06-30, or an empty text.
func parseDate(s string) (day time.Time, ok bool) {
	if s == "" {
		return day, true
	}
	day, err := time.Parse(time.DateOnly, s)
	return day, err == nil
}

// leadingVersion returns the leading number of a version, such as 22.04. The
// word of a rolling release has none. The value of 8.10 is that of 8.1.
func leadingVersion(version string) (float64, bool) {
	digits := func(i int) int {
		for i < len(version) && version[i] >= '0' && version[i] <= '9' {
			i++
		}
		return i
	}
	end := digits(0)
	if end == 0 {
		return 0, false
	}
	if end < len(version) && version[end] == '.' {
		end = digits(end + 1)
	}
	v, ok := scan.Float([]byte(version[:end]))
	return v, ok && v > 0
}
