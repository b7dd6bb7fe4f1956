package crontab

import (
	"path"
	"slices"
	"strings"
)

// takePromFile converts a command that writes a file for the textfile collector, in
// one of the common ways, to a check that prints the metrics.
func (c *check) takePromFile() {
	if tokens, file, ok := viaSponge(c.tokens); ok {
		c.exportOutput(tokens, file)
	} else if tokens, file, ok := viaRedirect(c.tokens); ok {
		c.exportOutput(tokens, file)
	} else if tokens, file, ok := viaRename(c.tokens); ok {
		c.exportOutput(tokens, file)
	}
}

func (c *check) exportOutput(tokens []token, file string) {
	c.tokens, c.format = tokens, "prometheus"
	c.addNote("the command wrote its metrics to %s: remove that file, or they conflict", file)
}

func isProm(t token) bool { return !t.operator && strings.HasSuffix(t.text, ".prom") }

// viaSponge is COMMAND | sponge FILE.prom, or the same with tee, perhaps with sudo
// and with redirections to /dev/null. Both print nothing that is needed.
func viaSponge(t []token) (rest []token, file string, ok bool) {
	last := lastOperator(t, "|")
	if last <= 0 {
		return nil, "", false
	}
	words := withoutNull(t[last+1:])
	if len(words) > 0 && path.Base(words[0].text) == "sudo" {
		words = words[1:]
	}
	if len(words) != 2 || !slices.Contains([]string{"sponge", "tee"}, path.Base(words[0].text)) || !isProm(words[1]) {
		return nil, "", false
	}
	return t[:last], words[1].text, !isList(outside(t))
}

// withoutNull returns a command without redirections to /dev/null and of one output to
// the other.
func withoutNull(t []token) (rest []token) {
	for i := 0; i < len(t); i++ {
		switch {
		case t[i].isOperator("2>&1", "1>&2", ">&2"):
		case t[i].isOperator(">", "1>", "2>", ">>", "1>>", "2>>", "&>", "&>>", "<", ">&") && i+1 < len(t) && t[i+1].raw == "/dev/null":
			i++
		default:
			rest = append(rest, t[i])
		}
	}
	return rest
}

// outside returns the tokens that are not in parentheses or braces.
func outside(t []token) (rest []token) {
	in := depths(t)
	for i := range t {
		if in[i] == 0 && !t[i].isOperator(")") && t[i].raw != "}" {
			rest = append(rest, t[i])
		}
	}
	return rest
}

// depths returns how many groups in parentheses or braces each token is in.
func depths(t []token) []int {
	all, depth := make([]int, len(t)), 0
	for i, w := range t {
		switch starts := i == 0 || t[i-1].operator; {
		case w.isOperator("("), w.raw == "{" && starts:
			depth++
		case w.isOperator(")"), w.raw == "}" && starts:
			depth = max(0, depth-1)
		}
		all[i] = depth
	}
	return all
}

// viaRedirect is COMMAND > FILE.prom.
func viaRedirect(t []token) (rest []token, file string, ok bool) {
	rest, target, ok := cutOutput(t)
	return rest, target.text, ok && isProm(target) && !isList(outside(t))
}

// isList reports whether there is more than one pipeline.
func isList(tokens []token) bool {
	return slices.ContainsFunc(tokens, func(t token) bool { return t.isOperator(";", "&&", "||", "&", "(", ")", ";;") })
}

// cutOutput returns a command without its output redirection, and the file.
func cutOutput(t []token) (rest []token, target token, ok bool) {
	i := max(lastOperator(t, ">"), lastOperator(t, ">|"), lastOperator(t, "1>"))
	if i <= 0 || i+1 >= len(t) || depths(t)[i] > 0 || t[i+1].operator || slices.ContainsFunc(t[i+1:], func(t token) bool { return t.isOperator("|") }) {
		return nil, token{}, false
	}
	return slices.Concat(t[:i], t[i+2:]), t[i+1], true
}

// viaRename is COMMAND > TEMPORARY && mv TEMPORARY FILE.prom, perhaps with a mktemp
// in front and a chmod between.
func viaRename(tokens []token) (rest []token, file string, ok bool) {
	var command []token
	var from, to string
	for _, part := range splitList(tokens) {
		switch {
		case len(part) == 0:
			return nil, "", false
		case len(part) == 1 && strings.Contains(strings.ReplaceAll(part[0].raw, `"`, ""), "=$(mktemp"), part[0].text == "chmod":
		case part[0].text == "mv" && len(part) >= 3 && isProm(part[len(part)-1]) && to == "":
			from, to = withoutQuotes(part[len(part)-2]), part[len(part)-1].text
		case command == nil:
			command = part
		default:
			return nil, "", false
		}
	}
	rest, target, ok := cutOutput(command)
	return rest, to, ok && to != "" && withoutQuotes(target) == from && !isList(outside(rest))
}

// withoutQuotes returns a word without the double quotes around it.
func withoutQuotes(t token) string { return strings.Trim(t.raw, `"`) }

// splitList returns the commands of a list that is separated by && or semicolons.
func splitList(tokens []token) (parts [][]token) {
	start, in := 0, depths(tokens)
	for i, t := range tokens {
		if t.isOperator("&&", ";") && in[i] == 0 {
			parts = append(parts, tokens[start:i])
			start = i + 1
		}
	}
	return append(parts, tokens[start:])
}
